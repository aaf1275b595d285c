"""The version of parastance; looking it up among installed packages would cost a twentieth of a short run."""

VERSION = "0.1.0"
