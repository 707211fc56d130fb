/* Fengsui desk: firms are offered while somebody types their name. Without script the box is a plain form.
     #firm[data-suggest]   the form; that address?q= answers {suggestions: [{id, name, why, where}], note} from the second
                           character on. An offered firm leads to its page, Enter alone searches. */
(function () {
  "use strict";
  var form = document.getElementById("firm"), box = form && form.querySelector("input[name=q]");
  if (!box) return;
  var english = document.documentElement.lang === "en", both = function (zh, en) { return english ? en : zh; };
  var said = document.createElement("div");
  said.className = "vh"; said.setAttribute("role", "status");
  document.body.appendChild(said);
  window.fengsuiCombobox(form, box, {
    id: "firm-list", label: both("企业", "Firms"), said: said, wait: 120,
    ready: function () { return Array.from(box.value.trim()).length >= 2; },
    ask: function () {
      var address = form.dataset.suggest + "?" + new URLSearchParams({ q: box.value.trim() });
      return fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" } }).then(function (r) {
        if (!r.ok) throw new Error(r.status);
        return r.json();
      });
    },
    show: function (answer) {
      return answer.suggestions.map(function (each) {
        return { text: each.name, note: [each.why, each.where].filter(Boolean).join(" · "), id: each.id };
      });
    },
    say: function (rows, answer) { return rows.length + both(" 家可选。", " firms. ") + answer.note; },
    take: function (row) { location.assign("/enterprises/" + encodeURIComponent(row.id)); }
  });
})();
