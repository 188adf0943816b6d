"""A site as small as one can be that has one of everything: for tests that spoil it and look at what is said.

The sample site grows with the company that it shows; this one does not.
"""

from __future__ import annotations

from pathlib import Path

FILES = {
    "site.yaml": """\
name: Small Company
timezone: Asia/Shanghai
country: CN
languages: {mandarin: zh, english: en}
default_language: mandarin
bind: 127.0.0.1
fail_open:
  group: ["1001"]
""",
    "numbers.yaml": """\
"4008001000":
  source: tv_spot
  campaign: autumn
  flow: main
"4008001001":
  source: web_search
  flow: main
""",
    "media.yaml": """\
tv_spot:
  name: TV spot
  kind: tv
web_search:
  name: Web search
  kind: web
""",
    "agents.yaml": """\
"1001":
  name: Emma Clarke
  pin: "123456"
  sip_secret: "0123456789abcdef0123456789abcdef"
  queues: [sales]
  skills: {mandarin: 100, laptop: 90}
"1002":
  name: 王伟
  pin: "654321"
  sip_secret: "fedcba9876543210fedcba9876543210"
  queues: [sales, service]
  skills: {mandarin: 100, printer: 60}
""",
    "phones.yaml": """\
"2001":
  name: Your softphone
  sip_secret: "00112233445566778899aabbccddeeff"
""",
    "queues.yaml": """\
sales:
  steps:
    - require: $language >= 50 and laptop >= 50
      for_s: 20
    - require: any
  offer_s: 15
  strategy: longest_idle
service:
  steps:
    - require: printer >= 50
""",
    "hours.yaml": """\
main:
  week:
    mon: ["00:00-24:00"]
    sun: ["00:00-24:00"]
""",
    "trunk.yaml": """\
carrier:
  match: ["127.0.0.2"]
""",
    "prompts.yaml": "".join(
        f"{key}:\n  text:\n    zh: 您好。\n    en: Hello.\n  sound: [hello]\n"
        for key in (
            *("welcome", "menu_main", "invalid_key", "no_key", "closed", "queue_timeout"),
            *("too_many_calls", "hold_notice", "voicemail_prompt"),
        )
    ),
    "flows/main.yaml": """\
start: welcome
default_way: anyone
nodes:
  welcome:
    kind: play
    prompts: [welcome]
    then: office_hours
  office_hours:
    kind: hours
    line: main
    open: topic
    closed: closed_notice
  topic:
    kind: menu
    prompts: [menu_main]
    options:
      1: sales
      2: { goto: service, set: { product: printer }, set_language: english }
    invalid: invalid_key
    silent: no_key
    otherwise: anyone
  sales:
    kind: queue
    queue: sales
    attributes: { language: $language }
    then: sorry
  service:
    kind: queue
    queue: service
    attributes: { language: $language }
    then: sorry
  anyone:
    kind: queue
    queue: sales
    attributes: {}
    then: sorry
  sorry:
    kind: play
    prompts: [queue_timeout]
    then: gave_up
  gave_up:
    kind: hangup
    outcome: timeout
  closed_notice:
    kind: play
    prompts: [closed]
    then: refused
  refused:
    kind: hangup
    outcome: rejected
""",
}


def write_small_site(folder: Path) -> Path:
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n{text}", "utf-8")
    return folder
