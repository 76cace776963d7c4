// Other names for the types whose own one of Apple's frameworks has too: where an app imports both, Swift does not
// choose. `Twoshare.Method` says which one is meant as well.

/// `Method`, where Foundation is imported: it brings Objective-C's.
public typealias TwoshareMethod = Method

/// `Operation`, where Foundation is imported: it has one of that name.
public typealias TwoshareOperation = Operation

/// `Record`, where Combine is imported.
public typealias TwoshareRecord = Record

/// `Digest`, where CryptoKit is imported.
public typealias TwoshareDigest = Digest

/// `Attachment`, where Swift Testing is imported.
public typealias TwoshareAttachment = Attachment
