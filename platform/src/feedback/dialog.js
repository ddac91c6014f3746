// The crash-report dialog: asks whoever saw a page fail what happened, and sends the answer to where this script came from.
//
// It runs on pages of others: everything is inside a shadow root, with a style sheet that no policy of the page blocks, and
// what the page had it say is only ever text.

const REPORT_DIALOG_STYLE = `
  :host { all: initial }
  dialog {
    color-scheme: light dark; box-sizing: border-box; width: min(440px, calc(100vw - 32px)); max-height: calc(100dvh - 32px); overflow: auto;
    padding: 24px; border: 1px solid light-dark(#e6e6ec, #2b2a36); border-radius: 12px;
    background: light-dark(#ffffff, #1a1922); color: light-dark(#1b1a24, #ecebf2);
    font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
    box-shadow: 0 12px 40px rgb(20 18 40 / 25%);
  }
  dialog::backdrop { background: rgb(18 17 24 / 55%) }
  h2 { margin: 0; font-size: 20px; line-height: 1.25; font-weight: 650; letter-spacing: -0.015em }
  p { margin: 4px 0 0; color: light-dark(#62606f, #a09eb0) }
  form { display: grid; gap: 14px; margin-top: 18px }
  label { display: grid; gap: 4px; font-weight: 550; font-size: 13px }
  input, textarea {
    box-sizing: border-box; width: 100%; padding: 8px 11px; border: 1px solid light-dark(#d3d3dd, #3b3a49); border-radius: 6px;
    background: light-dark(#ffffff, #15141c); color: inherit; font: inherit; font-weight: 400; font-size: 14px; resize: vertical;
  }
  [aria-invalid="true"] { border-color: light-dark(#c6381f, #ff8a6b) }
  :focus-visible { outline: 2px solid light-dark(#4f46c8, #a7a1ff); outline-offset: 1px }
  [role="alert"], [role="status"] { margin: 14px 0 0; padding: 8px 12px; border-radius: 6px }
  [role="alert"] { background: light-dark(#fdecea, #3a1d20); color: light-dark(#c6381f, #ff8a6b) }
  [role="status"] { background: light-dark(#e6f4eb, #173226); color: light-dark(#1a7040, #63cf8f) }
  [hidden] { display: none }
  .buttons { display: flex; justify-content: flex-end; gap: 8px; margin-top: 18px }
  button {
    padding: 7px 14px; border: 1px solid light-dark(#d3d3dd, #3b3a49); border-radius: 6px; cursor: pointer;
    background: light-dark(#ffffff, #1a1922); color: inherit; font: inherit; font-weight: 550;
  }
  button[type="submit"] { border-color: transparent; background: light-dark(#4f46c8, #a7a1ff); color: light-dark(#ffffff, #15132b) }
  button:disabled { opacity: 0.6; cursor: default }
`;

/** Shows the dialog; `endpoint` takes its answer. */
function showReportDialog({ lang, name, email, words }, endpoint) {
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const field = (label, input) => element("label", {}, label, input);

  const inputs = {
    name: element("input", { name: "name", value: name ?? "", autocomplete: "name", maxLength: 128 }),
    email: element("input", { name: "email", type: "email", value: email ?? "", autocomplete: "email", maxLength: 75 }),
    comments: element("textarea", { name: "comments", rows: 4 }),
  };
  const invitation = element("p", { textContent: words.subtitle2 });
  const alert = element("p", { role: "alert", hidden: true });
  const status = element("p", { role: "status", hidden: true, textContent: words.successMessage });
  const close = element("button", { type: "button", textContent: words.labelClose });
  const submit = element("button", { type: "submit", textContent: words.labelSubmit });
  // Browsers would check in the browser's own language; the server's answer is told in the dialog's.
  const form = element(
    "form",
    { id: "report", noValidate: true },
    field(words.labelName, inputs.name),
    field(words.labelEmail, inputs.email),
    field(words.labelComments, inputs.comments),
  );
  submit.setAttribute("form", form.id);
  const dialog = element(
    "dialog",
    { lang },
    element("h2", { id: "title", textContent: words.title }),
    element("p", { textContent: words.subtitle }),
    invitation,
    form,
    alert,
    status,
    element("div", { className: "buttons" }, close, submit),
  );
  dialog.setAttribute("aria-labelledby", "title");

  const complain = (text, wrong = []) => {
    alert.textContent = text;
    alert.hidden = false;
    for (const [key, input] of Object.entries(inputs)) input.setAttribute("aria-invalid", String(wrong.includes(key)));
    Object.entries(inputs).find(([key]) => wrong.includes(key))?.[1].focus();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      const answer = await fetch(endpoint, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "omit" });
      if (answer.ok) {
        invitation.hidden = form.hidden = alert.hidden = submit.hidden = true;
        status.hidden = false;
        close.focus();
      } else if (answer.status === 400) {
        complain(words.errorFormEntry, Object.keys((await answer.json()).errors ?? {}));
      } else {
        complain(words.errorGeneric);
      }
    } catch {
      complain(words.errorGeneric);
    }
    submit.disabled = false;
  });

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(REPORT_DIALOG_STYLE);
  root.adoptedStyleSheets = [style];
  root.append(dialog);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    host.remove();
    // What the SDK's `onClose` waits for.
    window.postMessage("__sentry_reportdialog_closed__", "*");
  });
  (document.body ?? document.documentElement).append(host);
  dialog.showModal();
}
