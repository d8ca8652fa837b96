/* A search field that hides the items of a list without its words: <input data-filters="#list">. */
(() => {
  "use strict";
  for (const field of document.querySelectorAll("input[data-filters]")) {
    const place = document.querySelector(field.dataset.filters);
    const filter = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let any = false;
      for (const item of place.querySelectorAll("li")) {
        const has = words.every((word) => item.textContent.toLowerCase().includes(word));
        item.hidden = !has;
        any = any || has;
      }
      for (const group of place.querySelectorAll("section, ul")) {
        group.hidden = !group.querySelector("li:not([hidden])");
        const title = group.previousElementSibling;
        if (title?.tagName === "H3") { title.hidden = group.hidden; }
      }
      const none = place.querySelector("[data-none]");
      if (none) { none.hidden = any; }
    };
    field.addEventListener("input", filter);
    filter();
  }
})();
