"""crm: what is stored of calls, how fast, how surely and how soon; imports; and what a call's start asks."""
