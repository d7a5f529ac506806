// SPDX-License-Identifier: Apache-2.0

namespace KvmActors.Persistence.Postgres;

/// <summary>The function by which a group of transactions is decided and written in one round trip, so that a client
/// that stops half-way holds no lock.</summary>
/// <remarks>
/// READ COMMITTED: each statement in it sees what was committed before it began. Locks are taken in one order by
/// everybody, so that no two groups wait for each other: the lock of pages (shared), the names of new VMs, the fence
/// rows by stream id, the rows of nodes by node id. Under these locks each transaction is compared, and those that fit
/// are written. A group holds at most one transaction of a VM.
/// Nothing is written for a refused transaction; what it found is returned, and <see cref="CommitAnswer"/> words the
/// refusal by the rules that every store shares. The name ends in a number: a later version adds its own function, and
/// nodes of both work side by side.
/// </remarks>
internal static class PostgresCommitFunction
{
    internal const string Name = "commit_group_1";

    /// <summary>What is returned of a refused transaction, in column <c>outcome</c>.</summary>
    internal const int RowsDiffer = 1;
    internal const int ClaimFails = 2;
    internal const int WasHandled = 3;
    internal const int PagesUnsure = 4;
    internal const int PagesGone = 5;

    private const string Head =
        """
        CREATE FUNCTION commit_group_1(
          p_now bigint, p_clock text,
          w_job integer[], w_stream text[], w_new boolean[],
          e_owner text[], e_epoch bigint[], e_state integer[], e_seq bigint[], e_hash bytea[], e_mig text[],
          n_vm text[], n_vcpu integer[], n_owner text[], n_epoch bigint[], n_state integer[], n_seq bigint[],
          n_hash bytea[], n_snap bigint[], n_mig text[], n_target text[], n_fail integer[], n_out bigint[],
          c_job integer[], c_claimant text[], c_dead text[],
          d_job integer[], d_stream text[], d_client text[], d_cmd text[], d_reply bytea[],
          j_job integer[], j_stream text[], j_seq bigint[], j_epoch bigint[], j_kind integer[], j_ver integer[],
          j_time bigint[], j_client text[], j_cmd text[], j_payload bytea[], j_hash bytea[],
          s_job integer[], s_vm text[], s_id bigint[], s_epoch bigint[], s_time bigint[], s_heads bytea[],
          s_state bytea[], s_index bytea[], s_console bytea[], s_sha bytea[], s_since bigint[], s_sure boolean[],
          g_job integer[], g_digest bytea[],
          x_job integer[], x_vm text[], x_id bigint[])
        RETURNS TABLE(
          job integer, outcome integer, now_ms bigint,
          stream_id text, owner text, epoch bigint, state integer, head_seq bigint, head_hash bytea, snap_id bigint,
          mig_id text, target text, fail_count integer, out_released bigint,
          reply bytea,
          claimant_status integer, claimant_clock text, claimant_until bigint, dead_status integer)
        LANGUAGE plpgsql AS $function$
        #variable_conflict use_column
        DECLARE
          v_differ integer[] := '{}';
          v_claims integer[] := '{}';
          v_handled integer[] := '{}';
          v_unsure integer[] := '{}';
          v_gone integer[] := '{}';
          v_no integer[] := '{}';
          v_now bigint := coalesce(p_now, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
          v_collections bigint;
        BEGIN
        """;

    private const string Decide =
        """
          IF cardinality(s_job) > 0 THEN
            PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '/pages', 0));
          END IF;
          IF true = ANY(w_new) THEN
            PERFORM pg_advisory_xact_lock(k.key) FROM (
              SELECT DISTINCT hashtextextended(current_schema() || '/vm/' || w.vm, 0) AS key
              FROM unnest(w_new, n_vm) AS w(is_new, vm) WHERE w.is_new ORDER BY 1) AS k;
          END IF;

          PERFORM 1 FROM stream s WHERE s.stream_id = ANY(w_stream) ORDER BY s.stream_id FOR UPDATE;
          SELECT coalesce(array_agg(DISTINCT w.job), '{}') INTO v_differ
          FROM unnest(w_job, w_stream, w_new, e_owner, e_epoch, e_state, e_seq, e_hash, e_mig)
            AS w(job, stream, is_new, owner, epoch, state, seq, hash, mig)
          LEFT JOIN stream s ON s.stream_id = w.stream
          WHERE CASE WHEN w.is_new THEN s.stream_id IS NOT NULL ELSE
            s.stream_id IS NULL OR s.owner IS DISTINCT FROM w.owner OR s.epoch <> w.epoch OR s.state <> w.state
            OR s.head_seq <> w.seq OR s.head_hash <> w.hash OR s.mig_id IS DISTINCT FROM w.mig END;
          v_no := v_differ;

          IF cardinality(c_job) > 0 THEN
            PERFORM 1 FROM node n WHERE n.node_id = ANY(c_claimant || c_dead) ORDER BY n.node_id FOR SHARE;
            v_now := coalesce(p_now, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
            SELECT coalesce(array_agg(c.job), '{}') INTO v_claims
            FROM unnest(c_job, c_claimant, c_dead) AS c(job, claimant, dead)
            LEFT JOIN node a ON a.node_id = c.claimant
            LEFT JOIN node b ON b.node_id = c.dead
            WHERE c.job <> ALL(v_no) AND (a.node_id IS NULL OR a.status <> 1 OR a.boot_id <> p_clock
              OR v_now > a.lease_until_ms OR (c.dead IS NOT NULL AND b.status IS DISTINCT FROM 3));
            v_no := v_no || v_claims;
          END IF;

          IF cardinality(d_job) > 0 THEN
            SELECT coalesce(array_agg(d.job), '{}') INTO v_handled
            FROM unnest(d_job, d_stream, d_client, d_cmd) AS d(job, stream, client, cmd)
            JOIN dedup x ON x.stream_id = d.stream AND x.client_id = d.client AND x.cmd_id = d.cmd
            WHERE d.job <> ALL(v_no);
            v_no := v_no || v_handled;
          END IF;

          IF cardinality(s_job) > 0 THEN
            SELECT coalesce(max(m.value::bigint), 0) INTO v_collections FROM meta m WHERE m.key = 'page_collections';
            SELECT coalesce(array_agg(s.job), '{}') INTO v_unsure
            FROM unnest(s_job, s_since, s_sure) AS s(job, since, sure)
            WHERE s.job <> ALL(v_no) AND NOT s.sure AND s.since <> v_collections;
            v_no := v_no || v_unsure;
            SELECT coalesce(array_agg(DISTINCT g.job), '{}') INTO v_gone
            FROM unnest(g_job, g_digest) AS g(job, digest)
            WHERE g.job <> ALL(v_no) AND NOT EXISTS (SELECT 1 FROM page p WHERE p.digest = g.digest);
            v_no := v_no || v_gone;
          END IF;
        """;

    private const string Write =
        """
          UPDATE stream s SET
            owner = w.owner, epoch = w.epoch, state = w.state, head_seq = w.seq, head_hash = w.hash, snap_id = w.snap,
            mig_id = w.mig, target = w.target, fail_count = w.fail, out_released = w.released
          FROM unnest(w_job, w_stream, w_new, n_owner, n_epoch, n_state, n_seq, n_hash, n_snap, n_mig, n_target,
              n_fail, n_out)
            AS w(job, stream, is_new, owner, epoch, state, seq, hash, snap, mig, target, fail, released)
          WHERE s.stream_id = w.stream AND NOT w.is_new AND w.job <> ALL(v_no);
          IF true = ANY(w_new) THEN
            INSERT INTO stream(
              stream_id, vm_id, vcpu, owner, epoch, state, head_seq, head_hash, snap_id, mig_id, target, fail_count,
              out_released)
            SELECT w.stream, w.vm, w.vcpu, w.owner, w.epoch, w.state, w.seq, w.hash, w.snap, w.mig, w.target, w.fail,
              w.released
            FROM unnest(w_job, w_stream, w_new, n_vm, n_vcpu, n_owner, n_epoch, n_state, n_seq, n_hash, n_snap, n_mig,
                n_target, n_fail, n_out)
              AS w(job, stream, is_new, vm, vcpu, owner, epoch, state, seq, hash, snap, mig, target, fail, released)
            WHERE w.is_new AND w.job <> ALL(v_no) ORDER BY w.stream;
          END IF;
          INSERT INTO journal(
            stream_id, seq, epoch, kind, ver, vm_time, client_id, cmd_id, payload, hash)
          SELECT j.stream, j.seq, j.epoch, j.kind, j.ver, j.time, j.client, j.cmd, j.payload, j.hash
          FROM unnest(j_job, j_stream, j_seq, j_epoch, j_kind, j_ver, j_time, j_client, j_cmd, j_payload, j_hash)
            AS j(job, stream, seq, epoch, kind, ver, time, client, cmd, payload, hash)
          WHERE j.job <> ALL(v_no);
          IF cardinality(d_job) > 0 THEN
            INSERT INTO dedup(stream_id, client_id, cmd_id, reply, at_ms)
            SELECT d.stream, d.client, d.cmd, d.reply, v_now
            FROM unnest(d_job, d_stream, d_client, d_cmd, d_reply) AS d(job, stream, client, cmd, reply)
            WHERE d.job <> ALL(v_no);
          END IF;
          IF cardinality(s_job) > 0 THEN
            INSERT INTO snapshot(
              vm_id, id, epoch, vm_time, stream_heads, state, page_index, console, sha256)
            SELECT s.vm, s.id, s.epoch, s.time, s.heads, s.state, s.index, s.console, s.sha
            FROM unnest(s_job, s_vm, s_id, s_epoch, s_time, s_heads, s_state, s_index, s_console, s_sha)
              AS s(job, vm, id, epoch, time, heads, state, index, console, sha)
            WHERE s.job <> ALL(v_no);
            DELETE FROM snapshot p USING unnest(x_job, x_vm, x_id) AS x(job, vm, id)
            WHERE p.vm_id = x.vm AND p.id = x.id AND x.job <> ALL(v_no);
          END IF;
        """;

    private const string Answer =
        """
          IF cardinality(v_no) = 0 THEN
            RETURN;
          END IF;
          RETURN QUERY
          SELECT w.job, 1, v_now, s.stream_id, s.owner, s.epoch, s.state, s.head_seq, s.head_hash, s.snap_id, s.mig_id,
            s.target, s.fail_count, s.out_released, r.reply, NULL::integer, NULL::text, NULL::bigint, NULL::integer
          FROM unnest(w_job, w_stream) AS w(job, stream)
          LEFT JOIN stream s ON s.stream_id = w.stream
          LEFT JOIN unnest(d_job, d_stream, d_client, d_cmd) AS d(job, stream, client, cmd) ON d.job = w.job
          LEFT JOIN dedup r ON r.stream_id = d.stream AND r.client_id = d.client AND r.cmd_id = d.cmd
          WHERE w.job = ANY(v_differ);
          RETURN QUERY
          SELECT c.job, 2, v_now, NULL::text, NULL::text, NULL::bigint, NULL::integer, NULL::bigint, NULL::bytea,
            NULL::bigint, NULL::text, NULL::text, NULL::integer, NULL::bigint, NULL::bytea, a.status, a.boot_id,
            a.lease_until_ms, b.status
          FROM unnest(c_job, c_claimant, c_dead) AS c(job, claimant, dead)
          LEFT JOIN node a ON a.node_id = c.claimant
          LEFT JOIN node b ON b.node_id = c.dead
          WHERE c.job = ANY(v_claims);
          RETURN QUERY
          SELECT d.job, 3, v_now, NULL::text, NULL::text, NULL::bigint, NULL::integer, NULL::bigint, NULL::bytea,
            NULL::bigint, NULL::text, NULL::text, NULL::integer, NULL::bigint, r.reply, NULL::integer, NULL::text,
            NULL::bigint, NULL::integer
          FROM unnest(d_job, d_stream, d_client, d_cmd) AS d(job, stream, client, cmd)
          JOIN dedup r ON r.stream_id = d.stream AND r.client_id = d.client AND r.cmd_id = d.cmd
          WHERE d.job = ANY(v_handled);
          RETURN QUERY
          SELECT u.job, CASE WHEN u.job = ANY(v_gone) THEN 5 ELSE 4 END, v_now, NULL::text, NULL::text, NULL::bigint,
            NULL::integer, NULL::bigint, NULL::bytea, NULL::bigint, NULL::text, NULL::text, NULL::integer,
            NULL::bigint, NULL::bytea, NULL::integer, NULL::text, NULL::bigint, NULL::integer
          FROM unnest(v_unsure || v_gone) AS u(job);
        END
        $function$
        """;

    internal const string Create = $"{Head}\n{Decide}\n{Write}\n{Answer}";
}
