//! Derives from the table of contents what the roles meet: events, commands, documents, GraphQL.

macro_rules! rooms {
    ($($room:ident {
        $(events: $events:ident,)?
        commands: [$($command:ident),*],
        documents: [$($document:ident),*],
        rejections: [$($rejection:ident),*],
        $(query: $query:ident,)? $(mutation: $mutation:ident,)?
        changes: [$($change:ident($object:ident by $key:ty)),*],
        $(ephemerals: [$($ephemeral:ident($passing:ident)),*],)?
        $(reactions: [$($reaction:ident),*],)?
        $(timings: $timings:ident,)?
    })*) => {
        $(pub mod $room;)*

        /// Everything that can happen.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event { $($($events($room::$events),)?)* }

        $($(impl From<$room::$events> for Event {
            fn from(event: $room::$events) -> Self {
                Self::$events(event)
            }
        })?)*

        $($(impl $room::$events {
            /// The room's own event, if it is one.
            pub fn of(event: &Event) -> Option<&Self> {
                if let Event::$events(it) = event { Some(it) } else { None }
            }
        })?)*

        impl Event {
            /// Name of the kind.
            pub fn name(&self) -> &'static str {
                match self { $($(Self::$events(it) => it.name(),)?)* }
            }

            /// Its personal fields.
            pub fn personal(&mut self) -> Vec<&mut dyn kernel::personal::Sealable> {
                match self { $($(Self::$events(it) => it.personal(),)?)* }
            }

            /// Number of its schema and its body.
            pub fn encode(&self) -> (u32, Vec<u8>) {
                let codec = kernel::codec::codec();
                match self { $($(Self::$events(it) => it.encode(codec),)?)* }
            }
        }

        impl kernel::Recorded {
            /// The document that clients are told about, and what that means for fan-out.
            pub fn meaning(&self) -> (Change, kernel::Effect) {
                match &self.event { $($(Event::$events(it) => it.meaning(self),)?)* }
            }
        }

        /// The kinds of events of all rooms.
        pub(crate) fn event_kinds() -> Vec<kernel::codec::Kind> {
            let mut kinds = Vec::new();
            $($(kinds.extend($room::$events::kinds());)?)*
            kinds
        }

        /// The documents of all rooms, the timeline first.
        pub const PROJECTIONS: &[kernel::Projection] = &[
            kernel::Projection::of::<timeline::Timeline>(),
            kernel::Projection::of::<timers::Timer>(),
            $($(kernel::Projection::of::<$room::$document>(),)*)*
        ];

        /// What follows from an event outside the documents.
        pub fn reactions(event: &kernel::Recorded) -> Vec<kernel::event::Reaction> {
            let mut all = Vec::new();
            $($($(all.extend($room::$reaction(event));)*)?)*
            all
        }

        /// The timers that an event sets and clears.
        pub fn timings(event: &kernel::Recorded) -> Vec<timers::Timing> {
            let mut all = Vec::new();
            $($(all.extend($room::$timings(event));)?)*
            all
        }

        /// Every rejection of every room.
        pub fn rejections() -> Vec<kernel::rejection::Listed> {
            use kernel::Reject;
            let mut all = Vec::new();
            $($(all.extend($room::$rejection::ALL.iter().map(|it| it.listed()));)*)*
            all
        }

        /// Meets commands.
        pub trait CommandVisitor {
            /// Called once a command.
            fn visit<C: kernel::Command>(&mut self);
        }

        /// Shows every public command to a visitor.
        pub fn commands(visitor: &mut impl CommandVisitor) {
            $($(if <$room::$command as kernel::Command>::PUBLIC {
                visitor.visit::<$room::$command>();
            })*)*
        }

        /// Shows every command to a visitor, also those that only the server sends.
        pub fn every_command(visitor: &mut impl CommandVisitor) {
            $($(visitor.visit::<$room::$command>();)*)*
        }

        /// Reads of all rooms.
        #[derive(async_graphql::MergedObject, Default)]
        #[graphql(name = "RoomsQuery")]
        pub struct Query($($($room::$query,)?)*);

        /// Changes of all rooms.
        #[derive(async_graphql::MergedObject, Default)]
        pub struct Mutation($($($room::$mutation,)?)*);

        /// The document that clients are told about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Change {
            $($($change($key),)*)*
            None,
        }

        /// What a frame may carry.
        #[derive(async_graphql::Union)]
        #[graphql(name = "Change")]
        pub enum Changed {
            $($($change($room::$object),)*)*
            $($($($ephemeral($room::$passing),)*)?)*
        }

        impl Changed {
            /// The document as it is now.
            ///
            /// # Errors
            /// When the documents can't be reached.
            pub async fn find(
                context: &async_graphql::Context<'_>,
                change: Change,
            ) -> async_graphql::Result<Option<Self>> {
                Ok(match change {
                    $($(Change::$change(key) => {
                        $room::$object::find(context, key).await?.map(Self::$change)
                    })*)*
                    Change::None => None,
                })
            }

            /// What a passing fact tells.
            pub fn passing(_ephemeral: &kernel::ephemeral::Ephemeral) -> Option<Self> {
                let found = None;
                $($($(let found = found.or_else(|| {
                    $room::$passing::read(_ephemeral).map(Self::$ephemeral)
                });)*)?)*
                found
            }
        }
    };
}
