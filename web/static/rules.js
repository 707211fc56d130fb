/* Fengsui desk: the form of a rule. Without script 试算 is a button that sends the form.
   Contracts with the server, all as attributes:
     form[data-trial]       sent with do=try to its action?part=1 a moment after a change; the answer is the panel
     [data-trial-result]    that panel
     [data-needs="spike"]   shown only for these values of the field `type` */
(function () {
  "use strict";
  var form = document.querySelector("form[data-trial]");
  if (!form) return;
  var parts = Array.prototype.slice.call(document.querySelectorAll("[data-needs]"));
  var waiting = 0, running = null, sent = "";

  function fit() {
    parts.forEach(function (el) { el.hidden = el.dataset.needs.split(" ").indexOf(form.elements.type.value) < 0; });
  }
  function words() {
    var data = new FormData(form);
    data.set("do", "try");
    return data;
  }
  function key(data) {
    return ["query", "synonyms", "level", "type", "window", "at_least", "ratio", "group", "repeat", "days"].map(function (name) {
      return data.get(name) || "";
    }).join("\u0000");
  }
  function attempt() {
    var data = words(), mine = key(data), panel = document.querySelector("[data-trial-result]");
    if (mine === sent || !data.get("query").trim() || !panel) return;
    sent = mine;
    if (running) running.abort();
    running = window.AbortController ? new AbortController() : null;
    panel.setAttribute("aria-busy", "true");
    fetch(form.getAttribute("action") + "?part=1", {
      method: "POST", body: new URLSearchParams(data), credentials: "same-origin", signal: running ? running.signal : undefined
    }).then(function (r) { return r.text(); }).then(function (html) {
      var fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-trial-result]");
      if (fresh && mine === sent) panel.replaceWith(document.adoptNode(fresh));
    }).catch(function () { if (mine === sent) { sent = ""; panel.removeAttribute("aria-busy"); } });
  }
  function later() { window.clearTimeout(waiting); waiting = window.setTimeout(attempt, 700); }

  form.addEventListener("input", later);
  form.addEventListener("change", function () { fit(); later(); });
  fit();
  if (!document.querySelector("[data-trial-result] .lead")) attempt();
})();
