"""Makes one-time passwords as somebody else's program does.

python3 totp.py <address for authenticators> <seconds since 1970>
"""

import sys

import pyotp

print(pyotp.parse_uri(sys.argv[1]).at(int(sys.argv[2])))
