/* Fengsui desk: a box that offers what may be meant while somebody types (ARIA combobox with a list). Without script the
   box is a plain one.
     fengsuiCombobox(form, box, { id, label, said, wait, ready, ask, show, say, take, tab, idle })
       id, label           of the list; said: where it is spoken of
       ready()             whether what stands in the box is asked for, `wait` ms after the last key
       ask()               a promise of the answer
       show(answer)        its rows: [{ text, note, ... }]
       say(rows, answer)   what a screen reader hears of them
       take(row)           does what a chosen row stands for; true: go on offering
       tab                 Tab takes a row as Enter does
       idle()              rows where nothing is asked for; without it the list shuts
     Returns { later, hidden }: offer anew, and whether nothing is offered. */
window.fengsuiCombobox = function (form, box, how) {
  "use strict";
  var list = make("ul", { id: how.id, "class": "suggest", role: "listbox", "aria-label": how.label });
  var offered = [], at = -1, asked = 0, waiting = 0, composing = false;
  list.hidden = true;
  form.appendChild(list);
  var roles = { role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": how.id, "aria-expanded": "false" };
  Object.keys(roles).forEach(function (name) { box.setAttribute(name, roles[name]); });

  function make(tag, attributes, text) {
    var el = document.createElement(tag);
    Object.keys(attributes).forEach(function (name) { el.setAttribute(name, attributes[name]); });
    if (text) el.textContent = text;
    return el;
  }
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
  function show(rows, answer) {
    list.replaceChildren(); offered = rows; at = -1;
    box.removeAttribute("aria-activedescendant");
    rows.forEach(function (row, n) {
      var li = make("li", { role: "option", id: how.id + "-" + n, "aria-selected": "false" });
      li.appendChild(make("span", {}, row.text));
      if (row.note) li.appendChild(make("span", { "class": "dim" }, row.note));
      list.appendChild(li);
    });
    list.hidden = !rows.length;
    box.setAttribute("aria-expanded", String(!!rows.length));
    how.said.textContent = rows.length ? how.say(rows, answer) : "";
  }
  function ask() {
    var mine = ++asked, text = box.value;
    how.ask().then(function (found) {
      if (mine === asked && box.value === text && document.activeElement === box) show(how.show(found), found);
    }).catch(function () { if (mine === asked) shut(); });
  }
  function later() {
    window.clearTimeout(waiting);
    if (composing) return;
    if (how.ready()) { waiting = window.setTimeout(ask, how.wait); return; }
    if (how.idle) { asked += 1; show(how.idle(), null); } else shut();
  }
  function take(n) {
    var row = offered[n];
    shut();
    if (how.take(row)) later();
  }
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
    } else if ((e.key === "Enter" || (how.tab && e.key === "Tab" && !e.shiftKey)) && at >= 0) { e.preventDefault(); take(at); }
    else if (e.key === "Escape") { e.preventDefault(); e.stopPropagation(); shut(); }
  });
  list.addEventListener("mousedown", function (e) {
    e.preventDefault();                                             // the box keeps the focus
    var li = e.target.closest("li");
    if (li) take(Array.prototype.indexOf.call(list.children, li));
  });
  form.addEventListener("submit", shut);
  return { later: later, hidden: function () { return list.hidden; } };
};
