// A shop's checkout that fails: reports all that the SDK can to the DSN given, and prints the event's id.
//
// With a number behind the DSN it reports so many errors instead, one after the other, and waits for each answer.
const Sentry = require("@sentry/node");

function checkout(basket) {
  throw new RangeError(`${basket} is empty`);
}

function fail(basket) {
  try {
    checkout(basket);
  } catch (error) {
    return Sentry.captureException(error);
  }
}

async function reportAll() {
  Sentry.setTag("page", "checkout");
  Sentry.setUser({ id: "42", email: "grace@example.com" });
  Sentry.addBreadcrumb({ category: "cart", message: "the basket was emptied", level: "info" });
  Sentry.getCurrentScope().addAttachment({ filename: "cart.txt", data: "umbrella" });
  const id = fail("the basket");
  Sentry.getCurrentScope().clearAttachments();
  Sentry.captureFeedback({ message: "it does not work", associatedEventId: id });
  Sentry.captureCheckIn({ monitorSlug: "backup", status: "ok" });
  Sentry.startSpan({ name: "checkout", op: "task" }, () => undefined);
  Sentry.captureSession();
  console.log(id);
}

async function main([dsn, errors]) {
  Sentry.init({ dsn, release: "shop@1.2.3", environment: "demo", tracesSampleRate: 1 });
  if (errors === undefined) {
    Sentry.startSession();
    await reportAll();
    Sentry.endSession();
  }
  for (let number = 0; number < Number(errors ?? 0); number += 1) {
    // The SDK keeps an error to itself that is the same as the one before.
    fail(`basket ${number}`);
    await Sentry.flush(20_000);
  }
  await Sentry.close(20_000);
}

main(process.argv.slice(2));
