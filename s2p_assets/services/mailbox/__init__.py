"""The mailbox: lists that people mail are taken like files on the share, and answered in their threads."""
