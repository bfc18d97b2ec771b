"""What `arqonbus doctor` looks at, one module for each part. A check never raises for what it finds: it says it."""
