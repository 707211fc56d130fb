/* Fengsui desk: what the search page does better with script. Without it every part is a link or a form.
   Contracts with the server, all as attributes:
     #ask[data-complete]     the query form; /api/complete?q=&at= answers {start, end, suggestions: [{text, label, note, count}]},
                             at, start and end in code points
     a[data-recent]          a query asked before; offered when the box is empty
     a.fd[data-field]        a closed field; /search/field brings it opened
     a[data-part]            replaced by what that address brings
     a[data-hit]             opens a hit: /search/hit/<id> brings its fields
     [data-brush]            bars: data-first and data-width in ms, data-count
     .newer[data-new]        the moment of the page; /search/new answers {n}
     [data-watched]          filled from that address; news are counted in its menu's head */
(function () {
  "use strict";
  var $ = function (s, el) { return (el || document).querySelector(s); };
  var $$ = function (s, el) { return Array.prototype.slice.call((el || document).querySelectorAll(s)); };
  var english = document.documentElement.lang === "en", both = function (zh, en) { return english ? en : zh; };
  function make(tag, attributes, text) {
    var el = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { el.setAttribute(name, attributes[name]); });
    if (text) el.textContent = text;
    return el;
  }
  function get(url, kind) {
    return fetch(url, { credentials: "same-origin", headers: { Accept: kind === "json" ? "application/json" : "text/html" } }).then(function (r) {
      if (!r.ok) throw new Error(r.status);
      return r[kind]();
    });
  }
  function piece(html) { return Array.prototype.slice.call(new DOMParser().parseFromString(html, "text/html").body.children); }
  function params() { return new URLSearchParams(location.search); }
  function put(search) { history.replaceState(null, "", location.pathname + (String(search) ? "?" + search : "")); }
  function plain(e) { return e.button === 0 && !e.ctrlKey && !e.metaKey && !e.shiftKey && !e.altKey; }
  var said = make("div", { "class": "vh", role: "status" });
  document.body.appendChild(said);

  /* ---- query box: completion and history in one list (ARIA combobox) ---- */
  (function () {
    var form = $("#ask"), box = form && $("input[name=q]", form);
    if (!box) return;
    var span = null;
    var offers = window.fengsuiCombobox(form, box, {
      id: "suggest", label: both("补全", "Suggestions"), said: said, wait: 90, tab: true,
      ready: function () { return Boolean(box.value.trim()); },
      idle: function () {
        return $$("a[data-recent]").slice(0, 8).map(function (a) { return { text: a.dataset.recent, note: both("最近", "recent"), whole: true }; });
      },
      ask: function () {
        var head = Array.from(box.value.slice(0, box.selectionStart)).length;
        return get(form.dataset.complete + "?" + new URLSearchParams({ q: box.value, at: head }), "json");
      },
      show: function (answer) {
        span = [answer.start, answer.end];
        return (answer.suggestions || []).map(function (each) {
          var note = [each.note, each.count ? each.count.toLocaleString("en-US") + both(" 条", "") : ""].filter(Boolean).join(" · ");
          return { text: each.label || each.text, note: note, written: each.text };
        });
      },
      say: function (rows) { return rows.length + both(" 条可选", " to choose from"); },
      take: function (row) {
        if (row.whole) { box.value = row.text; form.requestSubmit ? form.requestSubmit() : form.submit(); return false; }
        var letters = Array.from(box.value), before = letters.slice(0, span[0]).join("") + row.written;
        box.value = before + letters.slice(span[1]).join("");
        box.setSelectionRange(before.length, before.length);
        return true;
      }
    });
    box.addEventListener("focus", function () { if (!box.value.trim()) offers.later(); });
    box.addEventListener("click", function () { if (offers.hidden()) offers.later(); });
  })();

  /* ---- fields open in place; what is open stays in the address and in every link ---- */
  function keep(name, value) {
    var search = params();
    if (value) search.set(name, value); else search.delete(name);
    put(search);
    $$('main a[href^="?"]').forEach(function (a) {
      var to = new URLSearchParams(a.getAttribute("href").slice(1));
      if (value) to.set(name, value); else to.delete(name);
      a.setAttribute("href", "?" + to);
    });
    $$('main form[method=get]').forEach(function (form) {
      var input = $('input[type=hidden][name="' + name + '"]', form);
      if (!input && value) { input = make("input", { type: "hidden", name: name }); form.appendChild(input); }
      if (input) input.value = value;
    });
  }
  document.addEventListener("click", function (e) {
    var link = e.target.closest && e.target.closest("a.fd[data-field]");
    if (!link || !plain(e)) return;
    e.preventDefault();
    var home = link.closest(".fields"), open = $$("[data-opened]", home).map(function (el) { return el.dataset.opened; });
    var search = params();
    open.push(link.dataset.field);
    search.set("open", open.join(",")); search.set("name", link.dataset.field);
    get("/search/field?" + search, "text").then(function (html) {
      var fresh = piece(html)[0];
      link.replaceWith(fresh);
      keep("open", open.join(","));
      $("summary", fresh).focus();
    }).catch(function () { location.assign(link.href); });
  });

  document.addEventListener("click", function (e) {
    var link = e.target.closest && e.target.closest("a[data-part]");
    if (!link || !plain(e)) return;
    e.preventDefault();
    get(link.dataset.part + "?" + params(), "text").then(function (html) {
      var fresh = piece(html)[0];
      link.replaceWith(fresh);
      $("summary", fresh).focus();
    }).catch(function () { location.assign(link.href); });
  });

  /* ---- a hit opens in place ---- */
  document.addEventListener("click", function (e) {
    var link = e.target.closest && e.target.closest("a[data-hit]");
    if (!link || !plain(e)) return;
    e.preventDefault();
    var row = link.closest("li, tr"), inTable = row.tagName === "TR", search = params();
    var old = inTable ? row.nextElementSibling && row.nextElementSibling.matches(".sub") && row.nextElementSibling : $(".every", row);
    if (old) {
      old.remove(); link.setAttribute("aria-expanded", "false"); search.delete("show"); put(search);
      return;
    }
    get("/search/hit/" + encodeURIComponent(link.dataset.hit) + "?" + search, "text").then(function (html) {
      var fields = piece(html)[0];
      if (inTable) {
        var cell = make("td", { colspan: row.children.length }), sub = make("tr", { "class": "sub" });
        cell.appendChild(fields); sub.appendChild(cell); row.after(sub);
      } else row.appendChild(fields);
      link.setAttribute("aria-expanded", "true"); search.set("show", link.dataset.hit); put(search);
    }).catch(function () { location.assign(link.href); });
  });

  /* ---- brush: drag over the bars, or Shift and arrows on a bar; a plain click is the bar's own link ---- */
  $$("[data-brush]").forEach(function (place) {
    var svg = $("svg", place), first = Number(place.dataset.first), width = Number(place.dataset.width), count = Number(place.dataset.count);
    var from = -1, to = -1, moved = false, mark = null;
    function bar(e) {
      var box = svg.getBoundingClientRect();
      return Math.max(0, Math.min(count - 1, Math.floor((e.clientX - box.left) / box.width * count)));
    }
    function edge(n) { return new Date(first + n * width + 288e5).toISOString().slice(0, 16); }     // Beijing
    function draw() {
      if (!mark) {
        mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        mark.setAttribute("class", "brushed"); mark.setAttribute("y", "0"); mark.setAttribute("height", "96");
        svg.insertBefore(mark, svg.firstChild);
      }
      var low = Math.min(from, to), high = Math.max(from, to) + 1;
      mark.setAttribute("x", 100 * low / count + "%"); mark.setAttribute("width", 100 * (high - low) / count + "%");
      said.textContent = both("选中 ", "Selected ") + edge(low).replace("T", " ") + both(" 至 ", " – ") + edge(high).replace("T", " ");
    }
    function clear() { if (mark) mark.remove(); mark = null; from = to = -1; }
    function go() {
      var search = params(), low = Math.min(from, to), high = Math.max(from, to) + 1;
      ["page", "after", "at", "show"].forEach(function (name) { search.delete(name); });
      search.set("from", edge(low)); search.set("to", edge(high));
      location.assign(location.pathname + "?" + search);
    }
    svg.addEventListener("pointerdown", function (e) {
      if (e.button !== 0 || e.pointerType === "touch") return;
      from = to = bar(e); moved = false;
      e.preventDefault();                                             // no drag of the link itself
    });
    document.addEventListener("pointermove", function (e) {
      if (from < 0 || !(e.buttons & 1)) return;
      if (bar(e) !== from || moved) { moved = true; to = bar(e); draw(); }
    });
    document.addEventListener("pointerup", function () {
      if (from < 0 || document.activeElement && document.activeElement.closest("[data-brush]") && !moved) { if (!moved) clear(); return; }
      if (moved) go(); else clear();
    });
    document.addEventListener("pointercancel", clear);
    svg.addEventListener("click", function (e) { if (moved) { e.preventDefault(); moved = false; } }, true);
    place.addEventListener("keydown", function (e) {
      var link = e.target.closest("a"), step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
      if (!link) return;
      var bars = $$("a", place), here = Math.round(parseFloat($(".hit", link).getAttribute("x")) / 100 * count);
      if (step && e.shiftKey) {
        e.preventDefault();
        if (from < 0) from = to = here;
        to = Math.max(0, Math.min(count - 1, to + step)); draw();
      } else if (step) {
        e.preventDefault(); clear();
        var next = bars[bars.indexOf(link) + step];
        if (next) next.focus();
      } else if (e.key === "Enter" && from >= 0 && from !== to) { e.preventDefault(); go(); }
      else if (e.key === "Escape" && from >= 0) { e.stopPropagation(); clear(); said.textContent = ""; }
    });
  });

  /* ---- new hits wait behind a bar; nothing on the page moves ---- */
  (function () {
    var line = $(".newer[data-new]");
    if (!line || !$(".find")) return;
    window.setInterval(function () {
      if (document.visibilityState !== "visible") return;
      var search = params();
      if (!search.has("at")) search.set("at", line.dataset.new);
      get("/search/new?" + search, "json").then(function (answer) {
        if (!answer.n) return;
        var text = both("有 ", "") + answer.n.toLocaleString("en-US") + both(" 条新结果", " new");
        if ($("span", line).textContent !== text) $("span", line).textContent = text;
        line.hidden = false;
      }).catch(function () { /* the next look tells */ });
    }, 30000);
  })();

  /* ---- watched searches: counted after the page is there ---- */
  $$("[data-watched]").forEach(function (place) {
    get(place.dataset.watched, "text").then(function (html) {
      var found = piece(html), fresh = found.filter(function (a) { return a.dataset.new; }).length;
      if (!found.length) return;
      place.replaceChildren.apply(place, found);
      place.appendChild(make("hr"));
      if (fresh) $("summary", place.closest("details")).appendChild(make("span", { "class": "count" }, fresh + both(" 个有新", " with new")));
    }).catch(function () { /* the list of kept searches says it too */ });
  });
})();
