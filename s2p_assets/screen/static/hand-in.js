/* Hand in: a file that is picked or dropped is sent, then its page is opened; after a check the next bad cell is in focus. */
(() => {
  "use strict";
  const form = document.getElementById("drop");
  if (form) {
    const input = document.getElementById("file");
    const sending = document.getElementById("sending");
    const bar = sending.querySelector("progress");
    const words = sending.querySelector("span");
    const most = Number(form.dataset.mostMb);
    let busy = false;

    const ended = () => { busy = false; input.disabled = false; input.value = ""; sending.hidden = true; };
    const failed = (problem) => { ended(); window.s2p.showProblem(problem); };

    const answered = (request) => {
      if (request.status === 201) { location.assign(JSON.parse(request.responseText).address); return; }
      if (request.status === 401) { window.s2p.toLogin(); return; }
      let problem = { title: "It was not taken", detail: "s2p did not take the file; try again." };
      try { problem = JSON.parse(request.responseText); } catch { /* no words came with it */ }
      failed(problem);
    };

    const send = (file) => {
      if (busy || !file) { return; }
      window.s2p.showProblem(null);
      if (file.size > most * 1024 * 1024) {
        failed({ title: "Too large", detail: `${file.name} has ${Math.ceil(file.size / 1048576).toLocaleString()} MB; up to ${most.toLocaleString()} MB are taken here. Split it, or save it without pictures.` });
        return;
      }
      if (!file.size) { failed({ title: "Empty", detail: `${file.name} holds nothing, or is a folder; pick a workbook.` }); return; }
      busy = true;
      input.disabled = true;
      sending.hidden = false;
      words.textContent = `sending ${file.name} …`;
      const address = new URLSearchParams({ name: file.name, as: document.getElementById("as").value });
      const request = new XMLHttpRequest();
      request.open("POST", `/hand-in/upload?${address}`);
      request.upload.onprogress = (event) => { if (event.lengthComputable) { bar.value = (100 * event.loaded) / event.total; } };
      request.upload.onload = () => { bar.removeAttribute("value"); words.textContent = `reading ${file.name} …`; };
      request.onload = () => answered(request);
      request.onerror = () => failed({ title: "It did not arrive", detail: "The connection broke off before the file was there; nothing was kept. Try again." });
      request.send(file);
    };

    input.addEventListener("change", () => send(input.files[0]));
    form.addEventListener("submit", (event) => { event.preventDefault(); send(input.files[0]); });
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
    }
    document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) { form.classList.remove("over"); } });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      form.classList.remove("over");
      send(event.dataTransfer.files[0]);
    });
  }

  document.addEventListener("htmx:after:swap", () => {
    if (!document.getElementById("submission")) { return; }
    const next = document.querySelector("#submission .bad input:not([type=hidden])") || document.getElementById("verdict");
    if (!next) { return; }
    if (next.id === "verdict") { next.tabIndex = -1; }
    next.focus({ preventScroll: next.id !== "verdict" });
  });
})();
