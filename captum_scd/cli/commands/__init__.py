"""What each command takes, and what is wrong with it at first sight. Nothing here imports torch.

Every file has `add_options`, for the parser, and a `run` that checks what it can and only then imports the
file of `captum_scd.cli` that does the work. So help texts and most errors come at once.
"""
