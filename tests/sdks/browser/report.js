// Has the shop's page report all that its SDK can, or so many errors, and answers the error's id.

const { open } = require("./serve.js");

open((page, { dsn, errors }) =>
  page.evaluate(
    ([dsn, errors]) => (errors === undefined ? window.reportAll(dsn) : window.reportErrors(dsn, errors)),
    [dsn, errors],
  ),
);
