"""Decryption of an envelope by pycose alone, to show that a standard COSE library opens it.

What the library is given: the message, the identity as an EC2 key, and the hash of the body's protected
header as SuppPubInfo.other (FORMAT.md, section 6), which COSE leaves to the application.
"""

import hashlib

import cbor2
from pycose import headers
from pycose.keys import CoseKey, EC2Key
from pycose.keys.curves import P256
from pycose.messages import CoseMessage, EncMessage

from envelope import Recipient


def decrypt(envelope, recipient, identity):
    """The plaintext, as pycose finds it through the slot of this recipient."""
    message = CoseMessage.decode(_what_a_library_reads(envelope))
    assert isinstance(message, EncMessage)
    place = [one for one in envelope.recipients if isinstance(one, Recipient)].index(recipient)
    chosen = message.recipients[place]
    chosen.uhdr[headers.EphemeralKey] = CoseKey.from_dict(chosen.uhdr[headers.EphemeralKey])
    chosen.local_attrs[headers.SuppPubOther] = hashlib.sha256(envelope.protected).digest()
    x, y = recipient.slot.public_key[1:33], recipient.slot.public_key[33:]
    chosen.key = EC2Key(crv=P256, x=x, y=y, d=identity.to_bytes(32, "big"))
    return message.decrypt(chosen)


def _what_a_library_reads(envelope):
    """The message itself; without its unreadable recipients where it has any, which pycose refuses."""
    tagged = cbor2.loads(envelope.message)
    readable = [isinstance(one, Recipient) for one in envelope.recipients]
    if all(readable):
        return envelope.message
    tagged.value[3] = [one for one, keep in zip(tagged.value[3], readable) if keep]
    return cbor2.dumps(tagged)
