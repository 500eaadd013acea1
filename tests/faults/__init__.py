"""What a build and a server do when the machine, the disk, the app or a person fails them: real processes, real files."""
