"""A stand-in for the city's mail server: it takes mail by SMTP and shows it.

aiosmtpd would do it, but one of its dependencies is a top-level module named ``public``, as our
package is.
"""

from simulator.mail.server import Faults, Mailbox

__all__ = ["Faults", "Mailbox"]
