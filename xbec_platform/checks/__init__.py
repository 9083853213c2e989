"""Asset checks: contracts and keys, conservation, business tolerances. They read and judge, they write nothing."""
