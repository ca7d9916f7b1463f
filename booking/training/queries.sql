-- instructor_of: The instructor of a reservation, or one who is named, as a resource that can be claimed.
SELECT o.id FROM booking.resource o
WHERE o.person_id = coalesce(%(instructor_id)s::uuid,
                             (SELECT instructor_id FROM booking.preparation WHERE reservation_id = %(reservation_id)s::uuid))

-- enter_instructor: Who instructs can be claimed like a machine.
INSERT INTO booking.resource (id, kind, person_id, name_ja, name_en)
SELECT 'p-' || left(replace(p.id::text, '-', ''), 28), 'person', p.id, p.name, p.name
FROM coop.person p WHERE p.id = %(person_id)s
ON CONFLICT DO NOTHING

-- grant_qualification: Grant a person a level for a kind of machine from now on.
INSERT INTO booking.qualification (id, person_id, machine_kind, level, valid, granted_by)
VALUES (%(id)s, %(person_id)s, %(machine_kind)s, %(level)s, tstzrange(%(now)s, %(valid_until)s), %(granted_by)s)

-- end_qualification: What a person was granted for a kind of machine ends now.
UPDATE booking.qualification SET valid = tstzrange(lower(valid), %(now)s)
WHERE person_id = %(person_id)s AND machine_kind = %(machine_kind)s AND valid @> %(now)s::timestamptz
  AND lower(valid) < %(now)s
RETURNING id

-- forget_qualification: What a person was granted for a kind of machine in this very moment gives way.
DELETE FROM booking.qualification
WHERE person_id = %(person_id)s AND machine_kind = %(machine_kind)s AND lower(valid) >= %(now)s

-- qualifications: What one person was granted, or one member's, or everybody, with its end by date or non-use; from a place in the list on.
SELECT q.id, q.person_id, p.name, p.member_id, q.machine_kind, q.level, lower(q.valid), upper(q.valid), q.granted_by,
       h.last_used_at, h.lapse_after_days
FROM booking.qualification q
JOIN coop.person p ON p.id = q.person_id
LEFT JOIN LATERAL booking.qualified(q.person_id, q.machine_kind, %(now)s) h ON true
WHERE (%(person_id)s::uuid IS NULL OR q.person_id = %(person_id)s)
  AND (%(member_id)s::text IS NULL OR p.member_id = %(member_id)s)
  AND (upper(q.valid) IS NULL OR upper(q.valid) > %(now)s)
  AND (%(after_id)s::uuid IS NULL
       OR (q.machine_kind, p.name, lower(q.valid), q.id)
          > (%(after_kind)s::text, %(after_name)s::text, %(after_from)s::timestamptz, %(after_id)s))
ORDER BY q.machine_kind, p.name, lower(q.valid), q.id
LIMIT %(limit)s

-- instructors: Who may instruct on machines of a kind now.
SELECT p.id, p.name FROM booking.qualification q JOIN coop.person p ON p.id = q.person_id
WHERE q.machine_kind = %(machine_kind)s AND q.level >= %(instructs_from)s AND q.valid @> %(now)s::timestamptz AND p.active
ORDER BY p.name, p.id

-- set_lapse: Say after how many days without use qualifications for a kind of machine lapse.
INSERT INTO booking.qualification_rule (machine_kind, lapse_after_days) VALUES (%(machine_kind)s, %(lapse_after_days)s)
ON CONFLICT (machine_kind) DO UPDATE SET lapse_after_days = EXCLUDED.lapse_after_days

-- end_lapse: Qualifications for a kind of machine do not lapse.
DELETE FROM booking.qualification_rule WHERE machine_kind = %(machine_kind)s

-- add_training: Offer a training with seats.
INSERT INTO booking.training (id, machine_kind, level, starts_at, ends_at, seats, instructor_id, place)
VALUES (%(id)s, %(machine_kind)s, %(level)s, %(starts_at)s, %(ends_at)s, %(seats)s, %(instructor_id)s, %(place)s)

-- trainings: The trainings that end after a time, with the seats taken and whether one of them is the viewer's.
SELECT t.id, t.machine_kind, t.level, t.starts_at, t.ends_at, t.seats, t.instructor_id, i.name, t.place,
       (SELECT count(*) FROM booking.training_seat s WHERE s.training_id = t.id),
       EXISTS (SELECT FROM booking.training_seat s WHERE s.training_id = t.id AND s.person_id = %(person_id)s::uuid)
FROM booking.training t JOIN coop.person i ON i.id = t.instructor_id
WHERE t.ends_at > %(from)s AND (%(id)s::uuid IS NULL OR t.id = %(id)s)
ORDER BY t.starts_at, t.id

-- lock_training: A training, for whoever takes or gives back a seat; others wait.
SELECT machine_kind, level, starts_at, ends_at, seats, instructor_id FROM booking.training WHERE id = %(id)s
FOR NO KEY UPDATE

-- take_seat: Take the lowest free seat of a training; the training is locked.
INSERT INTO booking.training_seat (training_id, seat, person_id, taken_at)
SELECT t.id, n, %(person_id)s, %(now)s
FROM booking.training t, generate_series(1, t.seats) n
WHERE t.id = %(id)s AND NOT EXISTS (SELECT FROM booking.training_seat s WHERE s.training_id = t.id AND s.seat = n)
ORDER BY n LIMIT 1
ON CONFLICT ON CONSTRAINT training_seat_once DO NOTHING
RETURNING seat

-- seat_of: The seat of a person in a training.
SELECT seat FROM booking.training_seat WHERE training_id = %(id)s AND person_id = %(person_id)s

-- leave_seat: Give a seat back that nobody judged yet.
DELETE FROM booking.training_seat WHERE training_id = %(id)s AND person_id = %(person_id)s AND passed IS NULL
RETURNING seat

-- judge_seat: Say whether a participant passed.
UPDATE booking.training_seat SET passed = %(passed)s WHERE training_id = %(id)s AND person_id = %(person_id)s
RETURNING seat

-- seats: Who takes part in a training.
SELECT s.seat, s.person_id, p.name, p.member_id, s.passed FROM booking.training_seat s
JOIN coop.person p ON p.id = s.person_id WHERE s.training_id = %(id)s ORDER BY s.seat
