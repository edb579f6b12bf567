//! How the product says no: a kind that maps to transports once, and a stable code.

/// What kind of no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    Invalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    LimitExceeded,
}

impl RejectionKind {
    /// Status of an HTTP answer.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::LimitExceeded => 429,
        }
    }

    /// Name in `extensions.kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
        }
    }
}

/// A rejection as it leaves a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    pub kind: RejectionKind,
    pub code: &'static str,
    pub message: &'static str,
}

/// One line of `docs/errors.md`.
pub struct Listed {
    pub rejection: Rejection,
    pub advice: &'static str,
}

/// A room's ways to say no.
pub trait Reject: Copy + Send + 'static {
    /// Every way, for the documentation.
    const ALL: &'static [Self];

    /// The rejection with what its reader should do.
    fn listed(self) -> Listed;
}

impl<R: Reject> From<R> for Rejection {
    fn from(reject: R) -> Self {
        reject.listed().rejection
    }
}

/// Declares a room's rejections: variant, kind, code, message, advice.
#[macro_export]
macro_rules! rejections {
    ($(#[$doc:meta])* $name:ident {
        $($variant:ident: $kind:ident, $code:literal, $message:literal, $advice:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $(#[doc = $message] $variant,)* }

        impl $crate::kernel::Reject for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn listed(self) -> $crate::kernel::rejection::Listed {
                use $crate::kernel::rejection::{Listed, Rejection, RejectionKind};
                match self {
                    $(Self::$variant => Listed {
                        rejection: Rejection {
                            kind: RejectionKind::$kind,
                            code: $code,
                            message: $message,
                        },
                        advice: $advice,
                    },)*
                }
            }
        }
    };
}
