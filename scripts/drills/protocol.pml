/* The life of one secret, for `spin`: python -m drills.model explains how to run it, and runs it.

   Beside each rule stands the verb of the format that it models (site/texts/en/format.md, "API").

   Two hosts serve one database. A host takes a request off the wire, does its transaction on a copy of the row,
   commits, and answers; between any two of these steps it may be killed, which drops what it holds. A killed host is
   up again at once: that it stays down is covered, for a host may always wait. An answer may be lost, and the client
   then asks again; a client may ask twice although nothing was lost, so that both hosts have its request at once.
   Requests and answers overtake each other, and clients stop for good at any point, which is again waiting for ever.

   What this abstracts from:
   - cryptography: whoever has a proof or a token simply has it; an eleventh byte, a wrong tag do not occur;
   - other secrets, quotas, access keys, requests for secrets, limits, full disks, receipts after their thirty days;
   - the store: a transaction locks the row and its commit is durable, once and for all (drills.kill and drills.failover
     try that on real databases); the group commit, the shred key and the write-ahead log are not here;
   - numbers: LIMIT wrong proofs lock instead of ten, an upload has two chunks, one read stands for all chunks;
   - time: it goes on at any moment (`late`: past the expiry, `lapsed`: past the lease, `idle`: an upload without
     progress), never back, and a host decides by the time at which it took the request, as the rules do;
   - FAULTS: kills, losses and repetitions together in one run; MEDDLING: burns, takedowns and wrong proofs. Every
     choice and every order of that many is tried. */

#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef MEDDLING
#define MEDDLING 2
#endif
#define LIMIT 2

mtype = { none, uploading, waiting, revealed, opened, burned, expired, locked }          /* states */
mtype = { ok, granted, bytes, not_ready, wrong_passphrase, gone, not_found, conflict }   /* answers */

/* Requests on the wire, and those who send them. r is a reader, 0 or 1. */
#define CREATE    0       /* sender   PUT /secrets/{id} */
#define CHUNK(n)  (1 + n) /* sender   PUT /secrets/{id}/chunks/{n} */
#define BURN      3       /* sender   POST /receipts/{id}/burn */
#define WRONG     4       /* anybody with the link, but not the passphrase: POST /secrets/{id}/reveal */
#define TAKEDOWN  5       /* operator a note beside the database */
#define REVEAL(r) (6 + r) /* reader   POST /secrets/{id}/reveal */
#define READ(r)   (8 + r) /* reader   GET /claims/{id}/chunks/{n} */
#define ACK(r)    (10 + r) /* reader   POST /claims/{id}/ack */
#define SWEEP     12      /* nobody   a host by itself, once something is due */

typedef Row {
    mtype state = none;
    bool sealed;    /* the whole ciphertext is there */
    byte missing;   /* chunks, one bit each */
    byte wrong;     /* wrong proofs so far */
    byte claim      /* 1 + the reader whose claim it is; 0: nobody's */
}

Row kept;           /* what is committed */
bool busy;          /* a transaction is open */
bool wire[13];
byte faults = FAULTS, meddling = MEDDLING;
bool late, lapsed, idle;

/* How the clients are, chosen once: content inline, or an upload; readers with a claim, or without. */
bool inline_content, with_claim[2];

/* What the properties speak about: what has left a host, whether or not it arrived, and what arrived. */
bool promised;      /* 201, or 204 for the last chunk: it waits for its reader */
bool handed[2];     /* ciphertext, to this reader */
bool final;         /* 200 to a reveal */
bool lied;          /* a claim within its lease was told that it is gone */
bool asked[2], got[2], told[2], burn_asked, taken_down;
byte wrong_asked;

#define live(row)  (row.state == uploading || row.state == waiting)
#define due        ((live(kept) && late) || (kept.state == uploading && idle) || \
                    (kept.state == revealed && kept.sealed && lapsed))

#define asked_for  (due || wire[0] || wire[1] || wire[2] || wire[3] || wire[4] || wire[5] || wire[6] || wire[7] || \
                    wire[8] || wire[9] || wire[10] || wire[11])

inline copy(to, from) {
    to.state = from.state; to.sealed = from.sealed; to.missing = from.missing;
    to.wrong = from.wrong; to.claim = from.claim
}

inline settle(how) { row.state = how; row.sealed = false; row.missing = 0 }

/* The rules: one transaction, on `row`; past and over are `late` and `lapsed` as the host saw them. */

inline do_create() {
    if
    :: row.state == none && inline_content  -> row.state = waiting; row.sealed = true; answer = ok
    :: row.state == none && !inline_content -> row.state = uploading; row.missing = 3; answer = ok
    :: live(row) && !past                   -> answer = ok
    :: else                                 -> answer = conflict
    fi
}

inline do_chunk(n) {
    if
    :: live(row) && !past ->
        row.missing = row.missing & (3 - (1 << n));
        if
        :: row.state == uploading && row.missing == 0 -> row.state = waiting; row.sealed = true
        :: else
        fi;
        answer = ok
    :: else -> answer = gone
    fi
}

inline do_reveal(r) {
    if
    :: row.state == revealed && row.claim == 1 + r && row.sealed && !over -> answer = granted   /* past the expiry, too */
    :: else ->
        if
        :: row.state == none || past -> answer = not_found
        :: else ->
            if
            :: row.state == uploading -> answer = not_ready
            :: row.state == waiting && with_claim[r]  -> row.state = revealed; row.claim = 1 + r; answer = granted
            :: row.state == waiting && !with_claim[r] -> settle(revealed); answer = granted
            :: else -> answer = gone
            fi
        fi
    fi;
    if
    :: answer == granted && inline_content -> answer = bytes
    :: else
    fi
}

inline do_wrong() {
    if
    :: row.state == none || past -> answer = not_found
    :: else ->
        if
        :: row.state == uploading -> answer = not_ready
        :: row.state == waiting   ->
            row.wrong++;
            if
            :: row.wrong == LIMIT -> settle(locked)
            :: else
            fi;
            answer = wrong_passphrase
        :: else -> answer = gone
        fi
    fi
}

inline do_read(r) {
    if
    :: row.claim != 1 + r -> answer = not_found
    :: else ->
        if
        :: row.state == revealed && row.sealed && !over -> answer = bytes
        :: else -> answer = gone
        fi
    fi
}

inline do_ack(r) {
    if
    :: row.claim != 1 + r -> answer = not_found
    :: else               -> settle(opened); answer = ok
    fi
}

inline do_burn() {
    if
    :: row.state == none      -> answer = not_found
    :: live(row) && !past     -> settle(burned); answer = ok
    :: row.state == burned    -> answer = ok
    :: else                   -> answer = gone
    fi
}

inline do_takedown() {
    if
    :: row.state == none -> skip
    :: live(row)         -> settle(burned)
    :: else              -> row.sealed = false
    fi;
    answer = ok
}

inline do_sweep() {
    if
    :: live(row) && past                 -> settle(expired)
    :: row.state == uploading && idle    -> settle(expired)
    :: row.state == revealed && over     -> row.sealed = false
    :: else
    fi;
    answer = ok
}

inline transact() {
    copy(row, kept);
    if
    :: m == CREATE                     -> do_create()
    :: m == CHUNK(0) || m == CHUNK(1)  -> do_chunk((m - CHUNK(0)))
    :: m == BURN                       -> do_burn()
    :: m == WRONG                      -> do_wrong()
    :: m == TAKEDOWN                   -> do_takedown()
    :: m == REVEAL(0) || m == REVEAL(1) -> do_reveal((m - REVEAL(0)))
    :: m == READ(0) || m == READ(1)    -> do_read((m - READ(0)))
    :: m == ACK(0) || m == ACK(1)      -> do_ack((m - ACK(0)))
    :: m == SWEEP                      -> do_sweep()
    fi;
    past = false; over = false
}

/* What an answer that leaves a host promises. */
inline release() {
    promised = promised || (m <= CHUNK(1) && answer == ok && row.state == waiting);
    if
    :: m >= REVEAL(0) && m <= READ(1) ->
        r = m % 2;
        handed[r] = handed[r] || answer == bytes;
        final = final || answer == granted || answer == bytes;
        lied = lied || ((answer == gone || answer == not_found) && row.claim == 1 + r && row.state == revealed &&
                        !lapsed && !taken_down)
    :: else
    fi
}

/* What a client does with the answer that it gets. */
inline deliver() {
    if
    :: m == CREATE && answer == ok && !inline_content -> wire[CHUNK(0)] = true; wire[CHUNK(1)] = true
    :: m >= REVEAL(0) && m <= READ(1) ->
        r = m % 2;
        if
        :: answer == granted -> wire[READ(r)] = true
        :: answer == bytes && with_claim[r] -> got[r] = true; wire[ACK(r)] = true
        :: answer == bytes && !with_claim[r] -> got[r] = true
        :: else -> told[r] = true
        fi
    :: else
    fi
}

inline again() {
    faults--;
    if
    :: m != SWEEP -> wire[m] = true
    :: else
    fi
}

/* The properties, after every step that could break one. That a reader gets it or is told is asked at the end of each
   run, below; every run has an end, since what is taken off the wire comes back at the price of a fault only. */

mtype = { one_reader, kept_until_called_for, reveal_is_final, claim_is_good, erased, got_or_told }
mtype broken;

#define called_for (kept.state == revealed || kept.state == opened || (kept.state == expired && late) || \
                    (kept.state == burned && (burn_asked || taken_down)) || (kept.state == locked && wrong_asked > 0))
#define leased     (kept.state == revealed && kept.claim != 0 && !lapsed && !taken_down)
#define over_with  (kept.state == opened || kept.state == burned || kept.state == expired || kept.state == locked)

inline check() {
    if
    :: handed[0] && handed[1] -> broken = one_reader
    :: promised && !called_for && !(kept.state == waiting && kept.sealed) -> broken = kept_until_called_for
    :: final && kept.state != revealed && kept.state != opened -> broken = reveal_is_final
    :: lied || (leased && !kept.sealed) -> broken = claim_is_good
    :: over_with && kept.sealed -> broken = erased
    :: else
    fi;
    assert(broken == 0)
}

/* The steps of a host. Each is atomic; others come between them, and so does a kill. */

inline take() {
    if
    :: wire[0] -> m = 0
    :: wire[1] -> m = 1
    :: wire[2] -> m = 2
    :: wire[3] -> m = 3
    :: wire[4] -> m = 4
    :: wire[5] -> m = 5
    :: wire[6] -> m = 6
    :: wire[7] -> m = 7
    :: wire[8] -> m = 8
    :: wire[9] -> m = 9
    :: wire[10] -> m = 10
    :: wire[11] -> m = 11
    :: due -> m = SWEEP
    fi;
    if
    :: m != SWEEP -> wire[m] = false
    :: m != SWEEP && faults > 0 -> faults--                       /* it comes twice: it is still on the wire */
    :: m == SWEEP
    fi;
    if                                                            /* the time, or that of a moment ago */
    :: past = late; over = lapsed
    :: m != SWEEP && (late || lapsed) -> past = false; over = false
    fi
}

inline commit() {
    copy(kept, row); busy = false; mine = false;
    row.sealed = false; row.missing = 0; row.wrong = 0;
    check()
}

proctype Host() {
    Row row;
    byte m, r;
    mtype answer;
    bool past, over, mine;

up: atomic {
        if
        :: mine -> busy = false; mine = false
        :: else
        fi;
        m = 0; r = 0; answer = 0; row.state = 0; row.sealed = false; row.missing = 0; row.wrong = 0; row.claim = 0
    };
end:
#ifdef READ_THEN_DELETE
    atomic { asked_for -> take(); transact() };
    atomic { !busy -> busy = true; mine = true };
#else
    atomic { asked_for && !busy -> take(); busy = true; mine = true; transact() };
#endif
#ifdef RELEASE_BEFORE_COMMIT
    atomic { release(); check(); deliver() };
#endif
    if
    :: atomic { commit() }
    :: atomic { faults > 0 -> again(); goto up }                  /* killed before the commit */
    fi;
#ifndef RELEASE_BEFORE_COMMIT
    if
    :: atomic { release(); check(); deliver() }
    :: atomic { faults > 0 -> release(); check(); again(); goto up }  /* the answer is lost on its way */
    :: atomic { faults > 0 -> again(); goto up }                  /* killed before the answer */
    fi;
#endif
    goto up
}

/* Everybody does at some time, or never, what is theirs to do. */
active proctype World() {
    atomic {
        if
        :: inline_content = true; if :: with_claim[0] = true :: skip fi; if :: with_claim[1] = true :: skip fi
        :: with_claim[0] = true; with_claim[1] = true
        fi;
        wire[CREATE] = true;
        run Host(); run Host()
    };
end:
    do
    :: atomic { !asked[0] -> asked[0] = true; wire[REVEAL(0)] = true }
    :: atomic { asked[0] && !asked[1] -> asked[1] = true; wire[REVEAL(1)] = true }
    :: atomic { meddling > 0 && !burn_asked -> meddling--; burn_asked = true; wire[BURN] = true }
    :: atomic { meddling > 0 && !taken_down -> meddling--; taken_down = true; wire[TAKEDOWN] = true }
    :: atomic { meddling > 0 && !wire[WRONG] -> meddling--; wrong_asked++; wire[WRONG] = true }
    :: atomic { !late && kept.state != none -> late = true }
    :: atomic { !lapsed && kept.state == revealed && kept.claim != 0 -> lapsed = true }
    :: atomic { !idle && kept.state == uploading -> idle = true }
    :: break                                                      /* and of the rest nothing ever happens */
    od;
    atomic {
        timeout ->                                                /* nobody has anything to do any more */
        if
        :: (asked[0] && !got[0] && !told[0]) || (asked[1] && !got[1] && !told[1]) -> broken = got_or_told
        :: else
        fi;
        assert(broken == 0)
    }
}
