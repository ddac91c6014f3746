"""The same failing checkout, reported by the SDK that applications used before 2018.

With a number behind the DSN it reports so many errors instead, one after the other.
"""

import sys

from raven import Client
from raven.transport.http import HTTPTransport


def take(item, basket):
    raise LookupError("no %s is left" % item)


def checkout(basket):
    try:
        take("umbrella", basket)
    except LookupError as cause:
        raise RuntimeError("the %s is empty" % basket) from cause


def fail(client, basket="basket", **extra):
    try:
        checkout(basket)
    except RuntimeError:
        return client.captureException(extra=extra)


def main(dsn, errors=None):
    client = Client(
        dsn,
        transport=HTTPTransport,
        include_paths=[__name__],
        release="shop@1.2.3",
        environment="demo",
        tags={"page": "checkout"},
    )
    if errors is not None:
        for number in range(int(errors)):
            fail(client, "basket %d" % number)
        return
    client.user_context({"id": "42", "email": "grace@example.com"})
    client.captureBreadcrumb(category="cart", message="the basket was emptied", level="info")
    # Python's JSON is none where a number is none.
    print(fail(client, ordered="umbrella", ratio=float("nan")))
    client.captureMessage("the checkout is closed", level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
