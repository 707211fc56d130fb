"""What a browser says it is, in words; told by the browser, so a hint and no proof."""

BROWSERS = (
    ("Edg", "Edge"),
    ("MicroMessenger", "微信"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip
WAYS = {"password": "密码", "code": "密码加动态码", "link": "登录链接", "oidc": "统一认证"}


def device_word(agent: str) -> str:
    """`Chrome · Windows` for a browser's name of itself."""
    browser = next((word for mark, word in BROWSERS if mark in agent), "其他程序")
    system = next((word for mark, word in SYSTEMS if mark in agent), "")
    return f"{browser} · {system}" if system else browser
