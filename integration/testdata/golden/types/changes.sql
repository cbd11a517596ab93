INSERT INTO y_ext SELECT id+100,h,ci,cis,l,ls,h_nn FROM y_ext ORDER BY id;
INSERT INTO y_enum SELECT id+100,e,d FROM y_enum ORDER BY id;
INSERT INTO y_domain SELECT id+100,c,t,g,i,tt,gs FROM y_domain ORDER BY id;
INSERT INTO y_num SELECT id+100,n,ns,any_n,anys,r,d,m,ms,m_nn,whole FROM y_num ORDER BY id;
INSERT INTO y_range SELECT id+100,i4,i8,n,ts,tz,d,i4s,ds FROM y_range ORDER BY id;
INSERT INTO y_time SELECT id+100,iv,iv_nn,ivs,dt,tm,t3,tz,ts,t0,tt,dts,tms,tss,tts FROM y_time ORDER BY id;
INSERT INTO y_bytes SELECT id+100,b,b_nn,bs,bit1,bit5,vb FROM y_bytes ORDER BY id;
INSERT INTO y_misc SELECT id+100,u,j,jb,bo,s2,ip,cd,mac,ips,c3,x,v,p,o,mac8 FROM y_misc ORDER BY id;
