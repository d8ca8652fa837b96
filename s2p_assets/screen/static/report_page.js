/* A report in place is as high as it is: the page scrolls, and not a window within it. */
(() => {
  "use strict";
  const frame = document.querySelector(".report-in-place");
  const fit = () => {
    const inside = frame.contentDocument;
    if (!inside?.body) { return; }
    frame.style.height = "0";
    frame.style.height = Math.ceil(inside.documentElement.scrollHeight) + "px";
  };
  if (frame) {
    frame.addEventListener("load", () => { fit(); new ResizeObserver(fit).observe(frame.parentElement); });
    if (frame.contentDocument?.readyState === "complete") { fit(); }
  }
})();
