/* Fengsui desk: firms are offered while somebody types their name. Without script the box is a plain form.
     #firm[data-suggest]   the form; that address?q= answers {suggestions: [{id, name, why, where}], note} from the second
                           character on. An offered firm leads to its page, Enter alone searches. */
(function () {
  "use strict";
  var form = document.getElementById("firm"), box = form && form.querySelector("input[name=q]");
  if (!box) return;
  var english = document.documentElement.lang === "en", both = function (zh, en) { return english ? en : zh; };
  function make(tag, attributes, text) {
    var el = document.createElement(tag);
    Object.keys(attributes).forEach(function (name) { el.setAttribute(name, attributes[name]); });
    if (text) el.textContent = text;
    return el;
  }
  var list = make("ul", { id: "firm-list", "class": "suggest", role: "listbox", "aria-label": both("企业", "Firms") });
  var said = make("div", { "class": "vh", role: "status" });
  var offered = [], at = -1, asked = 0, waiting = 0, composing = false;
  list.hidden = true;
  form.appendChild(list);
  document.body.appendChild(said);
  var roles = { role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": "firm-list", "aria-expanded": "false" };
  Object.keys(roles).forEach(function (name) { box.setAttribute(name, roles[name]); });

  function shut() {
    asked += 1; window.clearTimeout(waiting);
    list.hidden = true; at = -1; offered = [];
    box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant");
  }
  function choose(n) {
    Array.prototype.forEach.call(list.querySelectorAll("[aria-selected=true]"), function (li) { li.setAttribute("aria-selected", "false"); });
    at = n;
    if (n < 0) { box.removeAttribute("aria-activedescendant"); return; }
    var li = list.children[n];
    li.setAttribute("aria-selected", "true"); li.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", li.id);
  }
  function show(answer) {
    list.replaceChildren(); offered = answer.suggestions; at = -1;
    box.removeAttribute("aria-activedescendant");
    offered.forEach(function (each, n) {
      var li = make("li", { role: "option", id: "firm-" + n, "aria-selected": "false" });
      li.appendChild(make("span", {}, each.name));
      li.appendChild(make("span", { "class": "dim" }, [each.why, each.where].filter(Boolean).join(" · ")));
      list.appendChild(li);
    });
    list.hidden = !offered.length;
    box.setAttribute("aria-expanded", String(!!offered.length));
    said.textContent = offered.length ? offered.length + both(" 家可选。", " firms. ") + answer.note : "";
  }
  function ask() {
    var mine = ++asked, text = box.value.trim();
    fetch(form.dataset.suggest + "?" + new URLSearchParams({ q: text }), { credentials: "same-origin", headers: { Accept: "application/json" } }).then(function (r) {
      if (!r.ok) throw new Error(r.status);
      return r.json();
    }).then(function (answer) {
      if (mine === asked && box.value.trim() === text && document.activeElement === box) show(answer);
    }).catch(function () { if (mine === asked) shut(); });
  }
  function later() {
    window.clearTimeout(waiting);
    if (composing) return;
    if (Array.from(box.value.trim()).length < 2) { shut(); return; }
    waiting = window.setTimeout(ask, 120);
  }
  function take(n) { location.assign("/enterprises/" + encodeURIComponent(offered[n].id)); }
  box.addEventListener("compositionstart", function () { composing = true; shut(); });
  box.addEventListener("compositionend", function () { composing = false; later(); });
  box.addEventListener("input", later);
  box.addEventListener("blur", shut);
  box.addEventListener("keydown", function (e) {
    if (e.isComposing || e.keyCode === 229) return;
    var down = e.key === "ArrowDown", open = !list.hidden;
    if (down && !open) { e.preventDefault(); later(); return; }
    if (!open) return;
    if (down || e.key === "ArrowUp") {
      e.preventDefault();
      var n = offered.length + 1;                                   // one place more: none chosen, the text as typed
      choose((at + 1 + (down ? 1 : n - 1)) % n - 1);
    } else if (e.key === "Enter" && at >= 0) { e.preventDefault(); take(at); }
    else if (e.key === "Escape") { e.preventDefault(); e.stopPropagation(); shut(); }
  });
  list.addEventListener("mousedown", function (e) {
    e.preventDefault();                                             // the box keeps the focus
    var li = e.target.closest("li");
    if (li) take(Array.prototype.indexOf.call(list.children, li));
  });
  form.addEventListener("submit", shut);
})();
