"""What a capable engineer would glue together today, as the baseline of benchmarks/pipeline.py. Loads nothing of ours.

    glued.py crawl JOB    Scrapy: feeds, pages as items; item pipelines: jieba and word lists, a 12-layer BERT through
                          torch (random weights: for its time only), Elasticsearch in bulk
    glued.py rules JOB    asks Elasticsearch every `poll` seconds for what is new and carries a word of both lists; an
                          alert is a line in a file
JOB: a JSON file {feeds: [address], pages, elasticsearch, products: [word], harms: [word], alerts: file, poll,
threads, bulk: how many at a time, live: whether feeds go on}.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

INDEX = "glued"
WINDOW = 510
"""Characters that a BERT reads at once."""


class Words:
    """Item pipeline: cut by jieba, words of the lists."""

    def __init__(self, job: dict[str, Any]) -> None:
        import jieba

        for word in (*job["products"], *job["harms"]):
            jieba.add_word(word)
        jieba.initialize()
        self.cut, self.products, self.harms = jieba.lcut, set(job["products"]), set(job["harms"])

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Adds words, products, harms, risk."""
        words = self.cut(f"{item['title']}\n{item['text']}")
        products, harms = sorted({*words} & self.products), sorted({*words} & self.harms)
        return {
            **item,
            "words": " ".join(words),
            "products": products,
            "harms": harms,
            "risk": bool(products and harms),
        }


class Names:
    """Item pipeline: a token classifier over all windows of the text."""

    def __init__(self, job: dict[str, Any]) -> None:
        import torch
        from transformers import BertConfig, BertForTokenClassification

        torch.set_num_threads(job["threads"])
        self.torch = torch
        self.model: Any = BertForTokenClassification(BertConfig(vocab_size=21128))
        self.model.train(False)

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Adds the number of tokens that are part of a name."""
        text, found = f"{item['title']}\n{item['text']}", 0
        for start in range(0, len(text), WINDOW):
            ids = [101, *(1000 + ord(letter) % 20000 for letter in text[start : start + WINDOW]), 102]
            with self.torch.inference_mode():
                found += int((self.model(self.torch.tensor([ids])).logits.argmax(-1) > 0).sum())
        return {**item, "name_tokens": found}


class Bulk:
    """Item pipeline: into Elasticsearch, some at a time."""

    def __init__(self, job: dict[str, Any]) -> None:
        from elasticsearch import Elasticsearch

        self.client, self.most, self.sent = Elasticsearch(job["elasticsearch"]), job["bulk"], time.monotonic()
        self.waiting: list[dict[str, Any]] = []

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Keeps it until enough wait."""
        self.waiting.append(item)
        if len(self.waiting) >= self.most or time.monotonic() - self.sent > 1.0:
            self.send()
        return item

    def send(self) -> None:
        """Write what waits."""
        from elasticsearch.helpers import bulk

        bulk(self.client, ({"_index": INDEX, "_id": one["url"], "_source": one} for one in self.waiting))
        self.waiting, self.sent = [], time.monotonic()


def crawl(job: dict[str, Any]) -> None:
    """Until all pages are in, or for ever where feeds go on."""
    import scrapy
    from scrapy.crawler import CrawlerProcess

    bulk = Bulk(job)
    steps: tuple[Words | Names | Bulk, ...] = (Words(job), Names(job), bulk)
    todo, seen = {"left": job["pages"]}, set[str]()

    class News(scrapy.Spider):
        name = "news"

        async def start(self) -> Any:
            for feed in job["feeds"]:
                yield scrapy.Request(feed, callback=self.entries, dont_filter=True)

        def entries(self, response: Any) -> Any:
            for link in response.xpath("//item/link/text()").getall():
                if link not in seen:
                    seen.add(link)
                    yield scrapy.Request(link, callback=self.article)
            if job["live"] and todo["left"]:
                time.sleep(0.2)
                yield scrapy.Request(response.url, callback=self.entries, dont_filter=True, priority=-1)

        def article(self, response: Any) -> Any:
            text = "\n".join(response.css("#content p::text").getall())
            item = {"url": response.url, "title": response.css("h1::text").get(""), "text": text, "at": time.time()}
            for step in steps:
                item = step.process_item(item)
            todo["left"] -= 1
            yield {"url": response.url}

    quiet = {"LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False, "DOWNLOAD_DELAY": 0}
    process = CrawlerProcess({**quiet, "CONCURRENT_REQUESTS": 16})
    process.crawl(News)
    process.start()
    bulk.send()


def rules(job: dict[str, Any]) -> None:
    """Ask, write, sleep; until ended."""
    from elasticsearch import Elasticsearch

    client, told = Elasticsearch(job["elasticsearch"]), set()
    with Path(job["alerts"]).open("a", encoding="utf-8") as out:
        while True:
            query = {"bool": {"filter": [{"term": {"risk": True}}, {"range": {"at": {"gte": time.time() - 3600}}}]}}
            hits = client.search(index=INDEX, query=query, size=5000, ignore_unavailable=True)["hits"]["hits"]
            for hit in hits:
                if hit["_id"] not in told:
                    told.add(hit["_id"])
                    out.write(json.dumps({"url": hit["_id"], "at": time.time()}) + "\n")
            out.flush()
            time.sleep(job["poll"])


if __name__ == "__main__":
    {"crawl": crawl, "rules": rules}[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
