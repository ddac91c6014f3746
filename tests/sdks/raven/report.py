"""The same failing checkout, reported by the SDK that applications used before 2018."""

import sys

from raven import Client
from raven.transport.http import HTTPTransport


def price_per_item(total, count):
    return total / count


def main(dsn):
    client = Client(dsn, transport=HTTPTransport, release="shop@1.2.3", environment="demo", tags={"page": "checkout"})
    client.user_context({"id": "42", "email": "grace@example.com"})
    client.captureBreadcrumb(category="cart", message="the basket was emptied", level="info")
    try:
        price_per_item(1, 0)
    except ZeroDivisionError:
        print(client.captureException(extra={"ratio": float("nan")}))
    client.captureMessage("the checkout is closed", level="warning")


if __name__ == "__main__":
    main(sys.argv[1])
