(function () {
  var tip = document.getElementById("tip");
  document.querySelectorAll(".place title").forEach(function (title) {
    var link = title.closest("a[href]");
    if (link) link.setAttribute("aria-label", title.textContent);
    title.parentNode.words = title.textContent;
    title.remove();
  });
  function withWay(words) {
    return /\[[CT]\d/.test(words) ? words + "\nWhere from?\n" + document.body.dataset.ask : words;
  }
  function show(event) {
    var place = event.target.closest ? event.target.closest(".place, [data-number]") : null;
    tip.style.display = place ? "block" : "none";
    if (!place) return;
    tip.textContent = place.words ? withWay(place.words) : "Where from?\n" + document.body.dataset.ask.replace(" ID ", " " + place.dataset.number + " ");
    var room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(8, Math.min(event.clientX + 14, room)) + "px";
    tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 14) + "px";
  }
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", function () { tip.style.display = "none"; }, true);
})();
