"""What tests share: frames, scripts, problems whose answer is known."""
