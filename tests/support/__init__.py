"""What tests stand on: databases, a browser, a mail server, a real server process, and a closed network."""
