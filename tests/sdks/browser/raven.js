// The shop's page with raven-js, which pages had before 2018: reports all that the SDK can, or so many errors one after the other.

import Raven from "raven-js";
import { checkout } from "./shop.js";

/** Waits for the answer to what was just sent. */
function answered() {
  // What is not sent because of an earlier answer is told to nobody.
  if (Raven._shouldBackoff()) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("ravenSuccess", resolve, { once: true });
    document.addEventListener("ravenFailure", resolve, { once: true });
  });
}

function report(send) {
  const answer = answered();
  send();
  return answer;
}

function fail(basket) {
  try {
    checkout(basket);
  } catch (error) {
    Raven.captureException(error);
  }
}

function install(dsn) {
  Raven.config(dsn, { release: "shop@1.2.3", environment: "demo", tags: { page: "checkout" } }).install();
}

window.reportAll = async (dsn) => {
  install(dsn);
  Raven.setUserContext({ id: "42", email: "grace@example.com" });
  Raven.setExtraContext({ ordered: "umbrella" });
  Raven.captureBreadcrumb({ category: "cart", message: "the basket was emptied", level: "info" });
  await report(() => fail());
  const id = Raven.lastEventId();
  await report(() => Raven.captureMessage("the checkout is closed", { level: "warning" }));
  return id;
};

window.reportErrors = async (dsn, errors) => {
  install(dsn);
  for (let number = 0; number < errors; number += 1) await report(() => fail(`basket ${number}`));
};

window.showDialog = (dsn, options) => {
  install(dsn);
  Raven.setUserContext({ id: "42", email: "grace@example.com" });
  fail();
  Raven.showReportDialog(options);
  return Raven.lastEventId();
};
