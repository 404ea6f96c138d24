"""How others train on the same data: plain TRL scripts and a LLaMA-Factory configuration."""
