/* What every page does: the menu on a phone, problems in words, what was said, and the way to the login when a session
   has ended. A page's own script is a file of its own, loaded by its template. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  const menu = document.querySelector(".menu");
  const fold = document.querySelector(".side .fold");
  menu?.addEventListener("click", () => {
    menu.setAttribute("aria-expanded", String(fold.classList.toggle("open")));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && fold?.classList.contains("open")) { menu.click(); menu.focus(); }
  });

  /* A line at the foot of the screen for some seconds. */
  const say = (text) => {
    const line = document.createElement("p");
    line.textContent = text;
    document.getElementById("said").append(line);
    setTimeout(() => line.remove(), 6000);
  };
  document.addEventListener("s2p:said", (event) => say(event.detail.text));

  /* A problem in words at the top of the page: {title, detail, findings}. */
  const showProblem = (problem) => {
    const place = document.getElementById("problem");
    place.replaceChildren();
    if (!problem) { place.hidden = true; return; }
    const title = document.createElement("strong");
    title.textContent = problem.title.charAt(0).toUpperCase() + problem.title.slice(1);
    const words = document.createElement("p");
    words.textContent = problem.detail;
    place.append(title, words);
    place.hidden = false;
    place.scrollIntoView({ block: "nearest" });
  };

  const toLogin = () => {
    location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
  };

  /* Of an answer that is no success: leads to the login, or shows its words. True when it did. */
  const refused = async (response) => {
    if (response.ok) { return false; }
    if (response.status === 401) { toLogin(); return true; }
    if (!(response.headers.get("content-type") || "").includes("problem+json")) { return false; }
    showProblem(await response.json());
    return true;
  };

  document.addEventListener("htmx:before:request", () => showProblem(null));
  document.addEventListener("htmx:before:response", (event) => {
    const raw = event.detail.ctx.response.raw;
    if (raw.status === 401 || (raw.headers.get("content-type") || "").includes("problem+json")) {
      event.preventDefault();
      refused(raw);
    }
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail?.error?.name === "TypeError") {
      showProblem({ title: "s2p does not answer", detail: "Nothing was changed. Is the network there? Try again in a moment." });
    }
  });

  window.s2p = { say, showProblem, refused, toLogin };
})();
