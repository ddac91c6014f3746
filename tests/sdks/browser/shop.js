// The shop itself, without an SDK: a checkout that fails.

function take(item, basket) {
  throw new TypeError(`no ${item} is left for the ${basket}`);
}

export function checkout(basket = "basket") {
  try {
    take("umbrella", basket);
  } catch (cause) {
    throw new RangeError(`the ${basket} is empty`, { cause });
  }
}
