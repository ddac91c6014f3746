// The same failing checkout, reported by the SDK that Node's applications used before 2018. It does not pause.
const Raven = require("raven");

function take(item) {
  throw new TypeError(`no ${item} is left`);
}

function checkout(basket) {
  try {
    take("umbrella");
  } catch {
    throw new RangeError(`the ${basket} is empty`);
  }
}

function main(dsn) {
  Raven.config(dsn, { release: "shop@1.2.3", environment: "demo", tags: { page: "checkout" } }).install();
  Raven.context(() => {
    Raven.setContext({ user: { id: "42", email: "grace@example.com" }, extra: { ordered: "umbrella" } });
    Raven.captureBreadcrumb({ category: "cart", message: "the basket was emptied", level: "info" });
    try {
      checkout("basket");
    } catch (error) {
      console.log(Raven.captureException(error));
    }
    Raven.captureMessage("the checkout is closed", { level: "warning" });
  });
}

main(process.argv[2]);
