"""A shop's checkout that fails: reports all that the SDK can to the DSN given, and prints the error's id.

With a number behind the DSN it reports so many errors instead, one after the other, waits for each answer, and checks in.
"""

import sys

import sentry_sdk
from sentry_sdk.crons import capture_checkin


def take(item, basket):
    raise LookupError(f"no {item} is left")


def checkout(basket):
    try:
        take("umbrella", basket)
    except LookupError as cause:
        raise RuntimeError(f"the {basket} is empty") from cause


def fail(basket="basket"):
    try:
        checkout(basket)
    except RuntimeError as error:
        return sentry_sdk.capture_exception(error)


def report_all():
    sentry_sdk.set_tag("page", "checkout")
    sentry_sdk.set_user({"id": "42", "email": "grace@example.com"})
    sentry_sdk.set_extra("ordered", "umbrella")
    sentry_sdk.set_context("shop", {"region": "eu"})
    sentry_sdk.add_breadcrumb(category="cart", message="the basket was emptied", level="info")
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"umbrella", filename="cart.txt", content_type="text/plain")
        print(fail())
    sentry_sdk.capture_message("the checkout is closed", level="warning")
    with sentry_sdk.start_transaction(op="task", name="restock"):
        pass


def main(dsn, errors=None):
    sentry_sdk.init(dsn=dsn, release="shop@1.2.3", dist="42", environment="demo", traces_sample_rate=1, send_default_pii=True)
    sentry_sdk.start_session()
    if errors is None:
        report_all()
    for number in range(int(errors or 0)):
        fail(f"basket {number}")
        sentry_sdk.flush(timeout=20)
    capture_checkin("backup", status="ok")
    sentry_sdk.end_session()
    sentry_sdk.flush(timeout=20)


if __name__ == "__main__":
    main(*sys.argv[1:])
