/* A report in place is as high as it is: the page scrolls, and not a window within it. */
(() => {
  "use strict";
  const frame = document.querySelector(".report-in-place");
  const fit = () => {
    const inside = frame.contentDocument;
    if (!inside?.body) { return; }
    const style = getComputedStyle(inside.body);
    frame.style.height = Math.ceil(inside.body.offsetHeight + parseFloat(style.marginTop) + parseFloat(style.marginBottom)) + "px";
  };
  if (frame) {
    /* What lies far below is laid out when somebody comes near, and is higher then. */
    const watch = () => { fit(); if (frame.contentDocument?.body) { new ResizeObserver(() => requestAnimationFrame(fit)).observe(frame.contentDocument.body); } };
    frame.addEventListener("load", watch);
    if (frame.contentDocument?.readyState === "complete") { watch(); }
  }
})();
