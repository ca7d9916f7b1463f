"""`python -m moyai` is `moyai`."""

from moyai.cli import main

if __name__ == "__main__":
    main()
