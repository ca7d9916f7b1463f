"""Bring the parts, or say loudly what is left out; with CI=true leaving any out is a failure."""

import os
import subprocess
import sys

from tests.parts import community, debian, missing, office


def main() -> int:
    os.umask(0o022)  # root lets another user run what lies here
    for part in (debian, community, office):
        try:
            part.bring()
        except (RuntimeError, OSError, subprocess.CalledProcessError) as reason:
            said = getattr(reason, "stderr", None) or reason
            print(f"{part.__name__}: {said}".rstrip(), file=sys.stderr)
    left_out = missing()
    for marker, how in left_out.items():
        print(f"*** LEFT OUT: the {marker} tests. {how}", file=sys.stderr)
    return 1 if left_out and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
