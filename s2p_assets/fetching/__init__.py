"""Files that lie elsewhere: remote folders by SFTP, WebDAV, S3, HTTP and Microsoft Graph, and the mailbox by IMAP.

What is done with the files is the services'; nothing here knows a contract or the database.
"""
