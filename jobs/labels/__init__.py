"""From raw tags to a vocabulary that an editor has checked."""
