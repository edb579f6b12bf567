//! Contracts: the promises of a port, each a case to be run against every adapter.

use futures_util::future::BoxFuture;

/// One promise, kept or broken in a place that is made for it.
pub struct Case<Place> {
    pub name: &'static str,
    pub run: fn(Place) -> BoxFuture<'static, ()>,
}

/// Lists the promises of a contract, which has a function of the place for each.
macro_rules! cases {
    ($place:ty: $($name:ident)*) => {
        /// All promises.
        pub const CASES: &[$crate::promise::Case<$place>] = &[$(
            $crate::promise::Case {
                name: stringify!($name),
                run: |place| futures_util::FutureExt::boxed($name(place)),
            },
        )*];
    };
}

pub(crate) use cases;
