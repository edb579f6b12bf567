//! The product: one room a feature. This list is the table of contents.

// Merged roots nest a future for each room.
#![recursion_limit = "256"]

pub mod audience;
pub mod checkpoint;
pub mod cold;
pub mod kernel;
pub mod oracle;
#[macro_use]
mod rooms;
pub mod timeline;
pub mod timers;

rooms! {
    accounts {
        events: AccountEvent,
        commands: [ClaimName, ConfirmName, ReleaseName, FreeName, ReserveName, CreateAccount,
            AbandonClaim, UpdateProfile, ChangePassword, BeginRename, FinishRename],
        documents: [Name, Account, Credential],
        rejections: [AccountRejection],
        query: AccountQuery, mutation: AccountMutation,
        changes: [Account(AccountObject by accounts::AccountId)],
    }
    sessions {
        events: SessionEvent,
        commands: [OpenSession, RefreshSession, ConfirmSession, EndSession, EndSessions],
        documents: [Session, OpenSessions],
        rejections: [SessionRejection],
        query: SessionQuery, mutation: SessionMutation,
        changes: [],
    }
    factors {
        events: FactorEvent,
        commands: [TryFactor, EnrolTotp, ConfirmTotp, MakeBackupCodes, RemoveTotp,
            EnableCodeFactor, DisableCodeFactor, SendFactorCode],
        documents: [Factors],
        rejections: [FactorRejection],
        query: FactorQuery, mutation: FactorMutation,
        changes: [],
    }
    passkeys {
        events: PasskeyEvent,
        commands: [AddPasskey, RemovePasskey],
        documents: [Passkeys],
        rejections: [PasskeyRejection],
        query: PasskeyQuery, mutation: PasskeyMutation,
        changes: [],
    }
    identities {
        events: IdentityEvent,
        commands: [LinkIdentity, UnlinkIdentity],
        documents: [Identities],
        rejections: [IdentityRejection],
        query: IdentityQuery, mutation: IdentityMutation,
        changes: [],
    }
    addresses {
        events: AddressEvent,
        commands: [ProposeAddress, TryAddress, ConfirmAddress, RemoveAddress],
        documents: [Addresses],
        rejections: [AddressRejection],
        query: AddressQuery, mutation: AddressMutation,
        changes: [],
    }
    recovery {
        commands: [RequestReset, ResetPassword],
        documents: [],
        rejections: [RecoveryRejection],
        mutation: RecoveryMutation,
        changes: [],
    }
    lost_factors {
        events: LostFactorEvent,
        commands: [RequestFactorRecovery, CancelFactorRecovery],
        documents: [LostFactor],
        rejections: [LostFactorRejection],
        mutation: LostFactorMutation,
        changes: [],
    }
    sign_in_links {
        events: SignInLinkEvent,
        commands: [RequestSignInLink, UseSignInLink],
        documents: [SignInLink],
        rejections: [SignInLinkRejection],
        mutation: SignInLinkMutation,
        changes: [],
    }
    outbox {
        events: OutboxEvent,
        commands: [RecordDelivery],
        documents: [Outgoing],
        rejections: [OutboxRejection],
        changes: [],
    }
    instance {
        events: InstanceEvent,
        commands: [ClaimSetup, GrantRole, RevokeRole, ChangeSettings, InvitePeople,
            UseInvitation, RevokeInvitation, SuspendAccount, ReinstateAccount, DeactivateAccount],
        documents: [Instance, Invitation, InvitationUse],
        rejections: [InstanceRejection],
        query: InstanceQuery, mutation: InstanceMutation,
        changes: [],
    }
    applications {
        events: ApplicationEvent,
        commands: [RegisterApplication, RemoveApplication, AllowApplication],
        documents: [Application, Applications],
        rejections: [ApplicationRejection],
        query: ApplicationQuery, mutation: ApplicationMutation,
        changes: [],
    }
    devices {
        events: DeviceEvent,
        commands: [RequestDevice, AnswerDevice],
        documents: [DeviceCode],
        rejections: [DeviceRejection],
        query: DeviceQuery, mutation: DeviceMutation,
        changes: [],
    }
    audit {
        events: AuditEvent,
        commands: [ReadAudit, ExportAudit],
        documents: [AuditEntry],
        rejections: [AuditRejection],
        query: AuditQuery,
        changes: [],
    }
    activity {
        commands: [],
        documents: [Activity],
        rejections: [],
        query: ActivityQuery,
        changes: [],
    }
    contacts {
        events: ContactEvent,
        commands: [AddContact, RemoveContact, BlockAccount, UnblockAccount],
        documents: [Contact, ContactCounts],
        rejections: [ContactRejection],
        query: ContactQuery, mutation: ContactMutation,
        changes: [Contact(ContactObject by (accounts::AccountId, accounts::AccountId))],
    }
    privacy {
        events: PrivacyEvent,
        commands: [SetPrivacy],
        documents: [Privacy],
        rejections: [PrivacyRejection],
        query: PrivacyQuery, mutation: PrivacyMutation,
        changes: [Privacy(PrivacyObject by accounts::AccountId)],
    }
    conversations {
        events: ConversationEvent,
        commands: [CreateGroup, OpenDirect, RenameGroup],
        documents: [Conversation],
        rejections: [ConversationRejection],
        query: ConversationQuery, mutation: ConversationMutation,
        changes: [Conversation(ConversationObject by conversations::ConversationId)],
    }
    members {
        events: MemberEvent,
        commands: [AddMembers, RemoveMember, LeaveConversation, JoinGroup, ChangeRole],
        documents: [Member, Stint],
        rejections: [MemberRejection],
        query: MemberQuery, mutation: MemberMutation,
        changes: [
            Member(MemberObject by (conversations::ConversationId, accounts::AccountId))
        ],
    }
    messages {
        events: MessageEvent,
        commands: [SendMessage, EditMessage, DeleteMessage, HideMessage],
        documents: [Message, Version, Mention, EveryoneMention, AbsentNumbers, AbsentCounts,
            HiddenNumbers],
        rejections: [MessageRejection],
        query: MessageQuery, mutation: MessageMutation,
        changes: [Message(MessageObject by messages::MessageId)],
        reactions: [destroy_body],
    }
    threads {
        events: ThreadEvent,
        commands: [MoveToThread, MarkThreadRead],
        documents: [Thread, ThreadNumbers, ThreadCounts, Participant, ThreadPointer],
        rejections: [ThreadRejection],
        mutation: ThreadMutation,
        changes: [ThreadReadState(ThreadReadStateObject by messages::MessageId)],
    }
    removals {
        events: RemovalEvent,
        commands: [DeleteMessages, HideMessages, RestoreMessages, DestroyMessage],
        documents: [Removal],
        rejections: [RemovalRejection],
        mutation: RemovalMutation,
        changes: [],
        reactions: [destroy_removed],
        timings: timings,
    }
    edit_policy {
        events: EditPolicyEvent,
        commands: [SetEditPolicy],
        documents: [EditPolicy],
        rejections: [EditPolicyRejection],
        mutation: EditPolicyMutation,
        changes: [],
    }
    forwards {
        commands: [ForwardMessages],
        documents: [],
        rejections: [ForwardRejection],
        mutation: ForwardMutation,
        changes: [],
    }
    reactions {
        events: ReactionEvent,
        commands: [AddReaction, RemoveReaction, LimitReactions],
        documents: [Tally, Reacted, Reactor, AllowedReactions],
        rejections: [ReactionRejection],
        query: ReactionQuery, mutation: ReactionMutation,
        changes: [Reactions(ReactionsObject by messages::MessageId)],
    }
    pins {
        events: PinEvent,
        commands: [PinMessage, UnpinMessage, UnpinAll],
        documents: [Pins],
        rejections: [PinRejection],
        mutation: PinMutation,
        changes: [
            Pin(PinObject by (conversations::ConversationId, messages::MessageId))
        ],
    }
    schedule {
        events: ScheduleEvent,
        commands: [ScheduleMessage, ChangeScheduled, CancelScheduled, SendScheduledNow,
            BeginScheduled, ConfirmSending, SendScheduled, SendScheduledFiles, FinishScheduled,
            NoteScheduledReleased],
        documents: [Scheduled, ScheduledCount],
        rejections: [ScheduleRejection],
        query: ScheduleQuery, mutation: ScheduleMutation,
        changes: [ScheduledMessage(ScheduledObject by schedule::ScheduledId)],
        reactions: [destroy_text],
        timings: timings,
    }
    expiry {
        events: ExpiryEvent,
        commands: [SetExpiry, ExpireMessage, BeginExpiry, NoteReading],
        documents: [Reading],
        rejections: [ExpiryRejection],
        mutation: ExpiryMutation,
        changes: [],
        timings: timings,
    }
    polls {
        events: PollEvent,
        commands: [SendPoll, VotePoll, ClosePoll, EndPoll],
        documents: [Poll, Ballot, Voter],
        rejections: [PollRejection],
        query: PollQuery, mutation: PollMutation,
        changes: [Poll(PollObject by messages::MessageId)],
        timings: timings,
    }
    locations {
        events: LocationEvent,
        commands: [SendLocation, ShareLiveLocation, MoveLiveLocation, StopLiveLocation,
            EndLiveLocation],
        documents: [LiveLocation],
        rejections: [LocationRejection],
        mutation: LocationMutation,
        changes: [LiveLocation(LiveLocationObject by messages::MessageId)],
        ephemerals: [LiveLocationMove(MoveObject)],
        timings: timings,
    }
    contact_cards {
        commands: [SendContact],
        documents: [],
        rejections: [ContactCardRejection],
        mutation: ContactCardMutation,
        changes: [],
    }
    attachments {
        events: AttachmentEvent,
        commands: [SendAttachments, ReplaceAttachment, OpenAttachment, NoteReleased, NoteMedia],
        documents: [FileUse, ConversationStorage],
        rejections: [AttachmentRejection],
        mutation: AttachmentMutation,
        changes: [],
        timings: timings,
    }
    stickers {
        events: StickerEvent,
        commands: [CreatePack, RenamePack, AddSticker, RemoveSticker, NoteStickerReleased,
            DeletePack, InstallPack, UninstallPack, SendSticker],
        documents: [Pack, Stickers],
        rejections: [StickerRejection],
        query: StickerQuery, mutation: StickerMutation,
        changes: [
            StickerPack(StickerPackObject by stickers::PackId),
            InstalledPacks(InstalledPacksObject by accounts::AccountId)
        ],
        reactions: [destroy_pack],
    }
    pictures {
        events: PictureEvent,
        commands: [SetPicture, RemovePicture, SetConversationPicture, RemoveConversationPicture,
            NotePictureReleased, NotePictureReady],
        documents: [Picture],
        rejections: [PictureRejection],
        mutation: PictureMutation,
        changes: [],
    }
    previews {
        events: PreviewEvent,
        commands: [RecordPreview],
        documents: [LinkPreview],
        rejections: [PreviewRejection],
        changes: [],
    }
    receipts {
        events: ReceiptEvent,
        commands: [MarkRead],
        documents: [ReadPointer],
        rejections: [ReceiptRejection],
        query: ReceiptQuery, mutation: ReceiptMutation,
        changes: [ReadState(ReadStateObject by conversations::ConversationId)],
        ephemerals: [Receipt(ReceiptObject)],
    }
    seen_reactions {
        events: SeenReactionEvent,
        commands: [MarkReactionsSeen],
        documents: [SeenReactions],
        rejections: [SeenReactionRejection],
        mutation: SeenReactionMutation,
        changes: [SeenReactions(SeenReactionsObject by conversations::ConversationId)],
    }
    chat_list {
        events: ChatListEvent,
        commands: [MuteConversation, UnmuteConversation, MarkUnread, ArchiveConversation,
            UnarchiveConversation, PinConversation, UnpinConversation, OrderPinnedConversations],
        documents: [Listing, PinnedConversations],
        rejections: [ChatListRejection],
        query: ChatListQuery, mutation: ChatListMutation,
        changes: [
            Listing(ListingObject by conversations::ConversationId),
            PinnedConversations(PinnedObject by accounts::AccountId)
        ],
    }
    drafts {
        events: DraftEvent,
        commands: [SaveDraft, ClearDraft],
        documents: [Draft],
        rejections: [DraftRejection],
        mutation: DraftMutation,
        changes: [Draft(DraftObject by drafts::DraftLine)],
        reactions: [destroy_draft],
    }
    files {
        events: FileEvent,
        commands: [BeginUpload, FinishUpload, RefuseUpload, TerminateUpload, EndFile, KeepFile,
            ReleaseFile, NoteSwept],
        documents: [File, Storage, Contents],
        rejections: [FileRejection],
        query: FileQuery, mutation: FileMutation,
        changes: [File(FileObject by files::FileId)],
        ephemerals: [UploadProgress(UploadProgressObject)],
        reactions: [destroy_file],
        timings: timings,
    }
    media {
        events: MediaEvent,
        commands: [ConvertFile, AskAvatars, RedoMedia, StartMedia, RecordMedia, FailMedia,
            ConfirmTelling, NoteTold],
        documents: [Media],
        rejections: [MediaRejection],
        mutation: MediaMutation,
        changes: [],
        ephemerals: [MediaProgress(MediaProgressObject)],
        timings: timings,
    }
    presence {
        commands: [],
        documents: [],
        rejections: [PresenceRejection],
        query: PresenceQuery, mutation: PresenceMutation,
        changes: [],
        ephemerals: [Typing(TypingObject), Presence(PresenceObject)],
    }
}
