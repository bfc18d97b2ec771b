"""What commands share: parser, exit codes, output, failures, connection. Knows no command."""
