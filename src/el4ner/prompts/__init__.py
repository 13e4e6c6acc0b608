"""How members are asked: text files, one folder a style, one file a question; `style` fills them in, `replies` reads answers."""
