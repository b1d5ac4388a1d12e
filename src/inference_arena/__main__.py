"""`python -m inference_arena` is `arena`."""

from inference_arena.cli import main

if __name__ == "__main__":
    main()
