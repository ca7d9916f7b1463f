"""The cooperative's bank: files to it, results and receipts from it, and whose money came in."""
