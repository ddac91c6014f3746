//! What holds the checkout together and needs no server: which module may import which, generated files against what they are
//! generated from, the operator's output against the platform's settings.

mod contract;
mod drift;
mod layout;
