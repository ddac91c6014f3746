// The shop's page with @sentry/browser: reports all that the SDK can, or so many errors one after the other.

import * as Sentry from "@sentry/browser";
import { checkout } from "./shop.js";

const PATIENCE = 20_000;

function fail(basket) {
  try {
    checkout(basket);
  } catch (error) {
    return Sentry.captureException(error);
  }
}

function init(dsn) {
  Sentry.init({
    dsn,
    release: "shop@1.2.3",
    dist: "42",
    environment: "demo",
    tracesSampleRate: 1,
    integrations: [Sentry.browserTracingIntegration()],
  });
}

window.reportAll = async (dsn) => {
  init(dsn);
  Sentry.setTag("page", "checkout");
  Sentry.setUser({ id: "42", email: "grace@example.com" });
  Sentry.setExtra("ordered", "umbrella");
  Sentry.setContext("shop", { region: "eu" });
  Sentry.addBreadcrumb({ category: "cart", message: "the basket was emptied", level: "info" });
  Sentry.getCurrentScope().addAttachment({ filename: "cart.txt", data: "umbrella" });
  const id = fail();
  Sentry.getCurrentScope().clearAttachments();
  Sentry.captureMessage("the checkout is closed", "warning");
  Sentry.captureFeedback({ message: "it does not work", name: "Grace", email: "grace@example.com", associatedEventId: id });
  Sentry.startSpan({ name: "restock", op: "task" }, () => undefined);
  await Sentry.flush(PATIENCE);
  return id;
};

window.reportErrors = async (dsn, errors) => {
  init(dsn);
  for (let number = 0; number < errors; number += 1) {
    fail(`basket ${number}`);
    await Sentry.flush(PATIENCE);
  }
  Sentry.startSession();
  Sentry.captureSession();
  await Sentry.flush(PATIENCE);
};

/** Shows the crash-report dialog for an error; what the page says is in `window.said`. */
window.showDialog = (dsn, options) => {
  init(dsn);
  const id = fail();
  window.said = [];
  Sentry.showReportDialog({
    ...options,
    user: { email: "grace@example.com" },
    onLoad: () => window.said.push("loaded"),
    onClose: () => window.said.push("closed"),
    onError: () => window.said.push("refused"),
  });
  return id;
};
